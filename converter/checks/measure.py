"""Sums over windows from which the measures of one tensor follow, in float64.

Arrays come with the window as first axis; a channel is a place on the last axis that is longer
than one.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from converter.checks.op_check import Codes, Histogram, OpError
from converter.reading.windows import FloatArray
from midfuse.core.tflite_file import Tensor

_BINS = 64


def by_channel(values: FloatArray) -> FloatArray:
    """(windows, …) as (values, channels), in float32."""
    shape = [size for size in values.shape[1:] if size > 1]
    return values.reshape(-1, shape[-1] if shape else 1)


class Squares:
    """The squares of one error, a channel."""

    def __init__(self) -> None:
        self.error: npt.NDArray[np.float64] | float = 0.0

    def add(self, difference: FloatArray) -> None:
        self.error = self.error + _squares(by_channel(difference))

    def channel_db(self, signal: "Signal") -> float | None:
        """The median over channels with a signal of each one's SQNR; None without any error."""
        live = signal.squares > 0
        error = np.broadcast_to(self.error, signal.squares.shape)[live]
        if not live.any() or not error.any():
            return None
        # A channel without error is better than any other: the median may count it as infinite.
        with np.errstate(divide="ignore"):
            median = float(np.median(10 * np.log10(signal.squares[live] / error)))
        return median if math.isfinite(median) else None


class Signal:
    """The float values of one tensor."""

    def __init__(self) -> None:
        self.squares: npt.NDArray[np.float64] = np.zeros(1)
        self.low = self.high = 0.0
        self.peaks: npt.NDArray[np.float32] = np.zeros(1, np.float32)
        self.values = 0

    def add(self, values: FloatArray) -> None:
        rows = by_channel(values)
        self.squares = self.squares + _squares(rows)
        self.peaks = np.maximum(self.peaks, np.abs(rows).max(axis=0))
        self.low = min(self.low, float(rows.min()))
        self.high = max(self.high, float(rows.max()))
        self.values += len(rows)

    @property
    def rms(self) -> npt.NDArray[np.float64]:
        """Root mean square, a channel."""
        return np.sqrt(self.squares / self.values)


class ErrorSums:
    """The difference between float and dequantised values of one tensor."""

    def __init__(self) -> None:
        self._squares = Squares()
        self._elements = 0
        self._absolute = self._largest = self._found = self._product = 0.0

    def add(self, expected: FloatArray, found: FloatArray) -> None:
        difference = expected - found
        self._squares.add(difference)
        absolute = np.abs(difference)
        self._elements += absolute.size
        self._absolute += float(absolute.sum(dtype=np.float64))
        self._largest = max(self._largest, float(absolute.max()))
        f, q = expected.ravel().astype(np.float64), found.ravel().astype(np.float64)
        self._found += float(q @ q)
        self._product += float(f @ q)

    def result(self, signal: Signal, scale: float) -> OpError:
        """`scale` is a step of the tensor's codes; `signal` holds the same float values."""
        squares, error = float(signal.squares.sum()), float(np.sum(self._squares.error))
        both = math.sqrt(squares) * math.sqrt(self._found)
        mean = self._absolute / self._elements
        return OpError(
            mean_abs=mean,
            max_abs=self._largest,
            mean_steps=mean / scale,
            max_steps=self._largest / scale,
            sqnr_db=10 * math.log10(squares / error) if squares > 0 and error > 0 else None,
            channel_sqnr_db=self._squares.channel_db(signal),
            cosine=self._product / both if both > 0 else None,
        )


class CodeSums:
    """How one tensor's codes are used, and both histograms."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        limits = np.iinfo(tensor.dtype)
        self._low, self._high = int(limits.min), int(limits.max)
        self._counts = np.zeros(self._high - self._low + 1, np.int64)
        self._float = np.zeros(_BINS + 2, np.int64)
        self._clipped = 0
        # Squared errors of the values beyond the range.
        self.clipped_squares = 0.0

    def add(self, expected: FloatArray, codes: npt.NDArray[np.integer[Any]]) -> None:
        used, counts = np.unique(codes, return_counts=True)
        self._counts[used.astype(np.int64) - self._low] += counts
        steps = expected.ravel() / self._tensor.scale + np.float32(self._tensor.zero_point)
        beyond = np.maximum(self._low - steps, steps - self._high)
        beyond = beyond[beyond > 0.5]
        self._clipped += len(beyond)
        # float64: a hostile tensor's values may lie very far out.
        self.clipped_squares += float(np.square(beyond, dtype=np.float64).sum())
        bins = np.floor((steps - (self._low - 0.5)) * (_BINS / len(self._counts)))
        place = np.clip(bins, -1, _BINS).astype(np.int64) + 1
        self._float += np.bincount(place, minlength=_BINS + 2)

    @property
    def codes(self) -> Codes:
        total = int(self._counts.sum())
        return Codes(
            lowest=int(self._counts[0]) / total,
            highest=int(self._counts[-1]) / total,
            clipped=self._clipped / total,
            used=int(np.count_nonzero(self._counts)) / len(self._counts),
        )

    @property
    def histogram(self) -> Histogram:
        tensor = self._tensor
        edges = np.linspace(self._low - 0.5, self._high + 0.5, _BINS + 1) - tensor.zero_point
        int8 = self._counts.reshape(_BINS, -1).sum(axis=1)
        return Histogram(edges * float(tensor.scale), self._float, np.array([0, *int8, 0]))


def _squares(rows: FloatArray) -> npt.NDArray[np.float64]:
    return np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
