# Every command, on processors: docker build -t tf-classification .
# docker run --rm -v "$PWD:/data" tf-classification COMMAND ...
FROM python:3.12-slim

WORKDIR /opt/tf-classification
COPY . .
# hadolint ignore=DL3013 # what it installs is the checkout; setup.py holds the versions
RUN pip install --no-cache-dir ".[serve,litert,onnx]" && useradd --uid 1000 --create-home ecologist

USER 1000
WORKDIR /data
EXPOSE 8501
ENTRYPOINT ["tf-classification"]
CMD ["-h"]
