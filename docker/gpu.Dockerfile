# The same with CUDA's libraries from PyPI; the host brings the driver and the NVIDIA container
# toolkit: docker build -f docker/gpu.Dockerfile -t tf-classification:gpu .
FROM python:3.12-slim

WORKDIR /opt/tf-classification
COPY . .
# hadolint ignore=DL3013 # what it installs is the checkout; setup.py holds the versions
RUN pip install --no-cache-dir ".[gpu,serve,litert]" && useradd --uid 1000 --create-home ecologist

USER 1000
WORKDIR /data
EXPOSE 8501
ENTRYPOINT ["tf-classification"]
CMD ["-h"]
