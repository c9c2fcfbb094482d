"""What the report draws, as paths of SVG: histograms, and the weights' range in every channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converter.checks.op_check import OpCheck
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, TFLiteModel

Array = npt.NDArray[Any]

# Units of the drawings, which grow with the column that they stand in.
WIDTH, HEIGHT = 288, 96
# The axis of the output channels in the weights, which are input 1, by op.
_CHANNEL_AXIS = {
    name: record.channel_axis for name, record in OPS.items() if record.channel_axis is not None
}
# More channels share columns, so that 1,000 make no larger a drawing than 96.
_MAX_COLUMNS = 96
_WIDEST_COLUMN = 12.0
# A channel whose largest weight is this many times the median channel's is marked.
OUTLIER = 4.0


@dataclass(frozen=True)
class HistogramDrawing:
    """Two histograms over one axis: int8 to be filled, float to be outlined.

    Heights are logarithms of counts. The quantised range, `low` to `high`, spans `left` to
    `right`; columns apart on either side hold what lies beyond, of the float values the shares
    `below` and `above`.
    """

    check: OpCheck
    int8_path: str
    float_path: str
    left: float
    right: float
    zero: float | None
    low: float
    high: float
    below: float
    above: float


@dataclass(frozen=True)
class WeightsDrawing:
    """The range of an op's weights in every channel: a bar each, those of `outliers` apart.

    `outliers` are (channel, its largest weight over the median channel's); `marks` their x.
    `together` channels share a bar, from the smallest to the largest weight of them.
    """

    check: OpCheck
    channels: int
    together: int
    ordinary: str
    outlying: str
    marks: list[float]
    zero: float
    low: float
    high: float
    outliers: list[tuple[int, float]]


def draw_histogram(check: OpCheck) -> HistogramDrawing:
    """The histograms of an op's output in float and in int8."""
    histogram = check.histogram
    bins = len(histogram.float_counts)
    column = WIDTH / (bins + 2)  # a gap of one column between what is within and beyond
    x = column * np.arange(1, bins + 1)
    x[0] -= column
    x[-1] += column
    left, right = float(x[1]), float(x[-2] + column)
    low, high = float(histogram.edges[0]), float(histogram.edges[-1])
    tallest = float(np.log1p(max(histogram.float_counts.max(), histogram.int8_counts.max(), 1)))
    total = max(int(histogram.float_counts.sum()), 1)
    return HistogramDrawing(
        check=check,
        int8_path=_columns(x, column, np.log1p(histogram.int8_counts) / tallest),
        float_path=_columns(x, column, np.log1p(histogram.float_counts) / tallest),
        left=round(left, 1),
        right=round(right, 1),
        zero=round(left - low / (high - low) * (right - left), 1) if low <= 0 < high else None,
        low=low,
        high=high,
        below=int(histogram.float_counts[0]) / total,
        above=int(histogram.float_counts[-1]) / total,
    )


def _columns(x: Array, width: float, heights: Array) -> str:
    """The outline of columns of heights 0 to 1; neighbours share it, what is empty has none."""
    path, reached = "", None
    for at, height in zip(x, heights, strict=True):
        if height == 0:
            if reached is not None:
                path += f"V{HEIGHT}"
            reached = None
            continue
        if reached is None or at > reached + width / 2:
            path += (f"V{HEIGHT}" if reached is not None else "") + f"M{at:.1f} {HEIGHT}"
        reached = at + width
        path += f"V{HEIGHT * (1 - height):.1f}H{reached:.1f}"
    return path + (f"V{HEIGHT}" if reached is not None else "")


def draw_weights(model: TFLiteModel, checks: Sequence[OpCheck]) -> list[WeightsDrawing]:
    """A drawing for every op with constant weights, in the model's order."""
    return [
        _draw_weights(check, *_channel_ranges(model, op))
        for op, check in zip(model.ops, checks, strict=True)
        if op.name in _CHANNEL_AXIS and model.tensors[op.inputs[1]].data is not None
    ]


def _channel_ranges(model: TFLiteModel, op: Op) -> tuple[Array, Array]:
    """The smallest and the largest weight of every output channel, zero included, dequantised."""
    weights = model.tensors[op.inputs[1]]
    assert weights.data is not None
    axis = _CHANNEL_AXIS[op.name]
    rows = np.moveaxis(weights.data, axis, 0).reshape(weights.shape[axis], -1)
    low, high = rows.min(1).astype(np.float64), rows.max(1).astype(np.float64)
    if weights.quantization is not None:  # one scale, or one a channel
        low = (low - weights.quantization.zero_point) * weights.quantization.scale
        high = (high - weights.quantization.zero_point) * weights.quantization.scale
    return np.minimum(low, 0), np.maximum(high, 0)


def _draw_weights(check: OpCheck, lows: Array, highs: Array) -> WeightsDrawing:
    reach = np.maximum(-lows, highs)
    median = float(np.median(reach))
    outlying = reach > OUTLIER * median if median > 0 else np.zeros(len(reach), bool)
    together = -(-len(reach) // _MAX_COLUMNS)
    starts = np.arange(0, len(reach), together)
    low, high = np.minimum.reduceat(lows, starts), np.maximum.reduceat(highs, starts)
    marked = np.logical_or.reduceat(outlying, starts)
    bottom, top = float(low.min()), float(high.max())
    span = top - bottom or 1.0
    column = min(WIDTH / len(starts), _WIDEST_COLUMN)
    bars = [
        f"M{at * column:.1f} {HEIGHT * (top - a) / span:.1f}"
        f"h{0.8 * column:.1f}V{HEIGHT * (top - b) / span:.1f}h{-0.8 * column:.1f}z"
        for at, (a, b) in enumerate(zip(low, high, strict=True))
    ]
    return WeightsDrawing(
        check=check,
        channels=len(reach),
        together=together,
        ordinary="".join(bar for bar, mark in zip(bars, marked, strict=True) if not mark),
        outlying="".join(bar for bar, mark in zip(bars, marked, strict=True) if mark),
        marks=[round(float(at + 0.4) * column, 1) for at in np.flatnonzero(marked)],
        zero=round(HEIGHT * top / span, 1),
        low=bottom,
        high=top,
        outliers=[(int(at), float(reach[at]) / median) for at in np.flatnonzero(outlying)],
    )
