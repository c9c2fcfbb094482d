"""Affine quantisation between the model's real numbers and its integer codes."""

from typing import Any

import numpy as np
import numpy.typing as npt


def quantise(
    values: npt.NDArray[Any], scale: float | np.float32, zero_point: int, dtype: str = "int8"
) -> npt.NDArray[Any]:
    """clamp(rint(x / scale) + zero_point) to the range of `dtype`, ties to even; any shape."""
    limits = np.iinfo(dtype)
    codes = np.rint(values.astype(np.float64) / float(scale)) + zero_point
    return np.clip(codes, limits.min, limits.max).astype(dtype)


def dequantise(
    codes: npt.NDArray[Any], scale: float | np.float32, zero_point: int
) -> npt.NDArray[np.float32]:
    """scale * (q - zero_point); any shape."""
    return ((codes.astype(np.float64) - zero_point) * float(scale)).astype(np.float32)
