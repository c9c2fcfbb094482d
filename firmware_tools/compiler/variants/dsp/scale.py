"""Requantisation in the five instructions that the DSP kernels have for it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Value

_LARGEST_SHIFT = 22


def scale_of(multiplier: int, shift: int, zero_point: int) -> dict[str, Value] | None:
    """What brings a doubled sum d of at most 31 bits to a code, or None where that is wrong.

    SMMLAR gives v + offset, where v = round(d * multiplier / 2^32) is TFLM's first rounding. Its
    second, v / 2^e with ties away from zero, and the zero point are (v + offset - (d < 0)) >> e,
    where offset is 2^(e-1) + (zero_point << e): for e from 1, and as far as that fits 32 bits.
    Where d < 0 but v is 0, taking one off changes nothing: no tie is near.
    """
    if not 1 <= -shift <= _LARGEST_SHIFT:
        return None
    offset = (1 << (-shift - 1)) + (zero_point << -shift)
    return {"multiplier": multiplier, "offset": offset, "shift": -shift}


def channel_scales(
    output: Mapping[str, Any], weights: npt.NDArray[np.int8], zero_point: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Of an `mf_channel_output` the biases (channels,), and multiplier, offset and shift (channels,
    3); None where these are wrong for one of them, or its sums can have 30 bits.

    `weights` are (channels, taps); the input's `zero_point` goes into the biases.
    """
    bias, multiplier, shift = (
        np.asarray(output[name].values, np.int64) for name in ("bias", "multiplier", "shift")
    )
    bias = bias - zero_point * weights.astype(np.int64).sum(axis=1)
    reach = np.abs(bias) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    code = int(output["zero_point"])
    scales = [scale_of(int(m), int(s), code) for m, s in zip(multiplier, shift, strict=True)]
    if reach.max() >= 1 << 30 or None in scales:
        return None
    return bias, np.array([list(scale.values()) for scale in scales if scale], np.int64)
