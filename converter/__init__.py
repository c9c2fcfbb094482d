"""From PyTorch or ONNX to int8 TFLite, every op checked against float on the way."""

from converter.api import convert
from converter.checks.limits import Limits

__all__ = ["Limits", "convert"]
