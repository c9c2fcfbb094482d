"""From PyTorch or ONNX to int8 TFLite, every op checked against float on the way."""

from converter.pipeline import ConversionResult, convert

__all__ = ["ConversionResult", "convert"]
