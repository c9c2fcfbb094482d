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


def grid(low: float, high: float) -> tuple[np.float32, int]:
    """Scale and zero point of the int8 grid that spans low to high, 0 always inside.

    scale = (high - low) / 255 and zero point = rint(-128 - low / scale), in float32: the arithmetic
    of the quantiser that the converter uses, so that a range trained on this grid comes out as it.
    """
    bottom, top = np.float32(min(low, 0.0)), np.float32(max(high, 0.0))
    scale = np.float32(np.maximum(top - bottom, np.float32(1e-9)) / np.float32(255))
    return scale, int(np.rint(np.float32(-128) - bottom / scale))
