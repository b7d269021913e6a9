"""The formats that a bundle can be exported to: what a command knows before TensorFlow loads."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from database_tools.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        file: name of the file that is written.
        packages: what must be installed to write and run it.
        extra: the extra that installs them.
    """

    file: str
    packages: tuple[str, ...]
    extra: str

    def check(self, name: str) -> None:
        """Refuse the format, by its flag's value, when its packages are not installed."""
        missing = [package for package in self.packages if find_spec(package) is None]
        if missing:
            install = f"pip install 'tf-classification[{self.extra}]'"
            raise UserError(f"--format {name} needs {missing[0]}: {install}")


FORMATS = {
    "litert": Format("model.tflite", ("ai_edge_litert",), "litert"),
    "litert-int8": Format("model_int8.tflite", ("ai_edge_litert",), "litert"),
    "onnx": Format("model.onnx", ("tf2onnx", "onnxruntime"), "onnx"),
    "openvino": Format("model.xml", ("openvino",), "openvino"),
}
