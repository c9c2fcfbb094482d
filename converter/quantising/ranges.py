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

MOVES = ("RESHAPE", "TRANSPOSE", "CONCATENATION", "MAX_POOL_2D", "STRIDED_SLICE")
# TFLM's SOFTMAX writes with scale 1/256 and zero point -128 whatever its values span.
SOFTMAX_RANGE = (0.0, 255 / 256)


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
                low[index] = min(low[index], float(values.min()))
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
            for index in op.inputs:
                if index in group:
                    group[root(index)] = root(op.outputs[0])
    fixed = {root(op.outputs[0]) for op in model.ops if op.name == "SOFTMAX"}
    spans: dict[int, tuple[float, float]] = {}
    for index, (low, high) in measured.items():
        so_far = spans.get(root(index), (0.0, 0.0))
        spans[root(index)] = (min(low, so_far[0]), max(high, so_far[1]))
    for index, (low, high) in spans.items():
        if index in fixed and high <= 1:
            spans[index] = SOFTMAX_RANGE
        elif high - low < np.finfo(np.float32).tiny:
            # Always 0 on these windows: any scale is right, none can be computed.
            spans[index] = (0.0, 1.0)
    return {index: spans[root(index)] for index in measured}
