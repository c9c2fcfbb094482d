"""From PyTorch or ONNX to int8 TFLite, every op checked against float on the way."""

from converter.checks.limits import Limits
from converter.pipeline import convert
from converter.result import ConversionResult

__all__ = ["ConversionResult", "Limits", "convert"]
