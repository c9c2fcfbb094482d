"""Affine quantisation between the model's real numbers and its int8 codes."""

from typing import Any

import numpy as np
import numpy.typing as npt


def quantise(
    values: npt.NDArray[Any], scale: float | np.float32, zero_point: int
) -> npt.NDArray[np.int8]:
    """clamp(rint(x / scale) + zero_point, -128, 127), ties to even; any shape."""
    codes = np.rint(values.astype(np.float64) / float(scale)) + zero_point
    return np.clip(codes, -128, 127).astype(np.int8)


def dequantise(
    codes: npt.NDArray[Any], scale: float | np.float32, zero_point: int
) -> npt.NDArray[np.float32]:
    """scale * (q - zero_point); any shape."""
    return ((codes.astype(np.float64) - zero_point) * float(scale)).astype(np.float32)
