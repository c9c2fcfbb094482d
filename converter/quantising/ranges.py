"""Activation ranges: what every tensor of the float model spans over the calibration windows.

Ops that only move values (RESHAPE, CONCATENATION, …) have no arithmetic in which to change the
scale, so the tensors they join must share one. Giving them one range here keeps the quantiser
from inserting requantisations between them.
"""

import numpy as np

from converter.lowering.float_model import FloatModel, activations
from converter.reading.windows import Windows
from midfuse.progress import SILENT, Progress
from midfuse.tflite_file import TFLiteModel

Ranges = dict[str, tuple[float, float]]

MOVES = (
    *("AVERAGE_POOL_2D", "CONCATENATION", "EXPAND_DIMS", "GATHER", "MAXIMUM", "MAX_POOL_2D"),
    *("MINIMUM", "PACK", "PAD", "PADV2", "REDUCE_MAX", "RELU6", "RESHAPE", "SLICE", "SPLIT"),
    *("SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE", "UNPACK"),
)
# What TFLM's kernels write with, whatever their values span: the scale 1/256 and the zero point
# -128; TANH 1/128 and 0.
FIXED_RANGES = {
    "SOFTMAX": (0.0, 255 / 256),
    "LOGISTIC": (0.0, 255 / 256),
    "TANH": (-1.0, 127 / 128),
}
# A maximum over padded values is padded with it: no value, but what loses against every value.
_LOWEST = np.finfo(np.float32).min


def minmax_ranges(model: TFLiteModel, windows: Windows, progress: Progress = SILENT) -> Ranges:
    """Smallest and largest value of every activation, by tensor name; 0 is always inside.

    0 has to be a code of its own: padding and ReLU rest on it.
    """
    float_model = FloatModel(model)
    chosen = list(activations(model))
    low = dict.fromkeys(chosen, 0.0)
    high = dict.fromkeys(chosen, 0.0)
    with progress.task("Activation ranges", len(windows)) as task:
        for at in range(len(windows)):
            float_model.run(windows.window(at))
            for index in chosen:
                values = float_model.tensor(index)
                low[index] = min(low[index], float(values.min(where=values > _LOWEST, initial=0)))
                high[index] = max(high[index], float(values.max()))
            task.advance()
    measured = {index: (low[index], high[index]) for index in chosen}
    return {model.tensors[index].name: span for index, span in _shared(model, measured).items()}


def _shared(
    model: TFLiteModel, measured: dict[int, tuple[float, float]]
) -> dict[int, tuple[float, float]]:
    """Give the tensors that value-moving ops join the union of their ranges."""
    group = {index: index for index in measured}

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for op in model.ops:
        if op.name in MOVES:
            joined = [index for index in (*op.inputs, *op.outputs) if index in group]
            for index in joined:
                group[root(index)] = root(joined[-1])
    spans: dict[int, tuple[float, float]] = {}
    for index, (low, high) in measured.items():
        so_far = spans.get(root(index), (0.0, 0.0))
        spans[root(index)] = (min(low, so_far[0]), max(high, so_far[1]))
    for index, (low, high) in spans.items():
        if high - low < np.finfo(np.float32).tiny:
            # Always 0 on these windows: any scale is right, none can be computed.
            spans[index] = (0.0, 1.0)
    fixed = {op.outputs[0]: FIXED_RANGES[op.name] for op in model.ops if op.name in FIXED_RANGES}
    for index, (low, high) in fixed.items():
        span = spans[root(index)]
        # The highest code stands for what is a step above it as well.
        if low <= span[0] and span[1] <= 1:
            spans[root(index)] = (low, high)
    return {index: fixed.get(index, spans[root(index)]) for index in measured}
