"""Activation ranges that leave rare values out: percentiles, and the least squared error.

Values beyond a range are clipped, all others get smaller steps. What a clipped input can no longer
do to the tensors after it counts: ranges are measured with the inputs already clipped.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from converter.lowering.float_model import FloatModel, activations
from converter.quantising.ranges import Ranges, Span, shared_ranges
from converter.reading.windows import FloatArray, Windows
from midfuse.core.tflite_file import TFLiteModel

_CODES = 256
# Clips tried for each end of a range: its extreme times these.
_SHRINK = np.geomspace(1.0, 1e-3, 120)
_PENDING = 1 << 18


class Histogram:
    """Values counted at the precision of bfloat16, the upper half of a float32.

    So one histogram is fine enough (one part in 256) for the body of a distribution and reaches
    an outlier a million times as large.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(1 << 16, np.int64)
        self._codes: list[npt.NDArray[np.uint32]] = []
        self._pending = 0

    def add(self, values: FloatArray) -> None:
        bits = values.ravel().view(np.uint32)
        self._codes.append((bits + np.uint32(0x8000)) >> np.uint32(16))
        self._pending += len(bits)
        if self._pending > _PENDING:
            self._count()

    def counted(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """The values in ascending order, and how often each came."""
        self._count()
        codes = np.flatnonzero(self._counts)
        values = (codes.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
        order = np.argsort(values, kind="stable")
        return values[order], self._counts[codes][order]

    def _count(self) -> None:
        if self._codes:
            codes = np.concatenate(self._codes)
            self._counts += np.bincount(codes, minlength=len(self._counts))
            self._codes, self._pending = [], 0


Method = Callable[[Histogram], Span]


def percentile(share: float) -> Method:
    """The span from the (100 - share)th to the share-th percentile, 0 included."""

    def span(histogram: Histogram) -> Span:
        values, counts = histogram.counted()
        below = np.cumsum(counts)
        tail = below[-1] * (1 - share / 100)
        low = values[np.searchsorted(below, tail, side="right")]
        high = values[np.searchsorted(below, below[-1] - tail, side="left")]
        return min(float(low), 0.0), max(float(high), 0.0)

    return span


def least_squares(histogram: Histogram) -> Span:
    """The span whose rounding and clipping add the least squared error, 0 included.

    A value inside is off by step^2 / 12 on average (0 by nothing: it has a code of its own), one
    outside by its distance to the end. Both ends are drawn in together, then each by itself.
    """
    values, counts = histogram.counted()
    lows = min(float(values[0]), 0.0) * _SHRINK
    highs = max(float(values[-1]), 0.0) * _SHRINK

    def error(low: float, high: float) -> float:
        beyond = np.maximum(low - values, values - high)
        outside = beyond > 0
        clipped = float(counts[outside] @ np.square(beyond[outside]))
        inside = int(counts[~outside & (values != 0)].sum())
        return clipped + inside * ((high - low) / (_CODES - 1)) ** 2 / 12

    low, high = min(zip(lows, highs, strict=True), key=lambda ends: error(*ends))
    for _ in range(2):
        high = min(highs, key=lambda end: error(low, end))
        low = min(lows, key=lambda end: error(end, high))
    return float(low), float(high)


def clipped_ranges(model: TFLiteModel, windows: Windows, method: Method) -> Ranges:
    """Ranges by `method` for every activation, by tensor name; tied tensors share the widest."""
    clipped = []
    spans: dict[int, Span] = {}
    for index, values in zip(model.inputs, windows.inputs, strict=True):
        histogram = Histogram()
        histogram.add(values)
        spans[index] = method(histogram)
        clipped.append(np.clip(values, *spans[index]).astype(np.float32))
    histograms = {index: Histogram() for index in activations(model) if index not in spans}
    float_model, inputs = FloatModel(model), Windows(clipped)
    for at in range(len(windows)):
        float_model.run(inputs.window(at))
        for index, histogram in histograms.items():
            histogram.add(float_model.tensor(index))
    spans |= {index: method(histogram) for index, histogram in histograms.items()}
    return shared_ranges(model, spans)
