"""The tables through which TensorFlow Lite Micro computes functions of an int16.

They are read with linear interpolation, and each value is shifted by half the error that this
makes in the middle of the step behind it. SOFTMAX has 513 values, 128 codes apart, that TFLite
computes in float32; LOGISTIC and TANH share 256 constants of TFLite, of which the formula here was
found from their values. The tests hold all to TFLM.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_STEPS = 512
_INT16_STEPS = np.float32(65535)  # between the lowest and the highest code
# Differences to a row's maximum count down to this.
SOFTMAX_REACH = 10
# The logistic table's values a unit of x.
_LOGISTIC_STEPS = 24


def exponentials() -> npt.NDArray[np.int16]:
    """exp(x) in Q0.15 for x from -SOFTMAX_REACH to 0, over the codes of an int16."""
    unit = np.float32(SOFTMAX_REACH) / _INT16_STEPS
    return _table(math.exp, unit * np.float32(-65535), np.float32(0))


def reciprocals() -> npt.NDArray[np.int16]:
    """1 / (1 + x) in Q0.15 for x from 0 to 1, over the codes of an int16."""
    unit = np.float32(1) / _INT16_STEPS
    return _table(lambda x: 1 / (1 + x), np.float32(0), unit * _INT16_STEPS)


def logistic() -> npt.NDArray[np.uint16]:
    """1 / (1 + exp(-x)) in Q0.16 for x = 0, 1/24, 2/24, …; the last stands for all beyond."""

    def value(i: float) -> float:
        return 65536 / (1 + math.exp(-i / _LOGISTIC_STEPS))

    table = []
    for i in range(255):
        error = value(i + 0.5) - (value(i) + value(i + 1)) / 2
        table.append(math.floor(value(i) + error / 2 + 0.5))
    return np.array([*table, 65535], np.uint16)


def power_of_two(scale: np.float32) -> int | None:
    """The exponent of a scale that TFLite takes for a power of two, computed in its float32."""
    logarithm = np.float32(math.log(scale)) * (np.float32(1) / np.float32(math.log(2)))
    exponent = round(float(logarithm))
    return exponent if abs(logarithm - np.float32(exponent)) < np.float32(1e-3) else None


def _table(
    function: Callable[[float], float], first: np.float32, last: np.float32
) -> npt.NDArray[np.int16]:
    one, two = np.float32(32768), np.float32(2)
    step = (last - first) / np.float32(_STEPS)

    def value(x: np.float32) -> np.float32:
        # A double rounded to float32 is what a good expf gives, and the same on every host.
        return np.float32(function(float(x))) * one

    table = []
    for i in range(_STEPS):
        x = first + np.float32(i) * step
        here = _rounded(value(x))
        interpolated = _rounded((value(first + np.float32(i + 1) * step) + here) / two)
        error = interpolated - _rounded(value(x + step / two))
        table.append(here - _rounded(error / two))
    table.append(_rounded(value(last)))
    return np.clip(table, -32768, 32767).astype(np.int16)


def _rounded(value: np.float32) -> np.float32:
    """To the nearest integer, ties away from zero."""
    return np.float32(np.copysign(np.floor(np.abs(value) + np.float32(0.5)), value))
