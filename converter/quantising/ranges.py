"""Activation ranges: what every tensor of the float model spans over the calibration windows.

Ops that only move values (RESHAPE, CONCATENATION, …) have no arithmetic in which to change the
scale, so the tensors they join must share one. Giving them one range here keeps the quantiser
from inserting requantisations between them.
"""

from collections.abc import Mapping

import numpy as np

from converter.lowering.float_model import FloatModel, activations
from converter.reading.windows import Windows
from midfuse.core.ops import OPS
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel

Span = tuple[float, float]
Ranges = dict[str, Span]

# Ops that join tensors on one scale, and what the outputs of others always span.
MOVES = frozenset(name for name, record in OPS.items() if record.one_scale)
FIXED_RANGES = {name: record.grid.span for name, record in OPS.items() if record.grid}


def minmax_ranges(
    model: TFLiteModel,
    windows: Windows,
    progress: Progress = SILENT,
    trained: Mapping[int, Span] | None = None,
) -> Ranges:
    """Smallest and largest value of every activation, by tensor name; 0 is always inside.

    0 has to be a code of its own: padding and ReLU rest on it. Where `trained` has a range for a
    group of tied tensors (`trained_spans`), they take that; if it has all, no window is looked at.
    """
    settled = {} if trained is None else trained
    roots = tied(model)
    spans = {index: settled[root] for index, root in roots.items() if root in settled}
    chosen = [index for index in roots if index not in spans]
    if chosen:
        spans |= _observed(model, chosen, windows, progress)
    return shared_ranges(model, spans)


def _observed(
    model: TFLiteModel, chosen: list[int], windows: Windows, progress: Progress
) -> dict[int, Span]:
    float_model = FloatModel(model)
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
    return {index: (low[index], high[index]) for index in chosen}


def tied(model: TFLiteModel) -> dict[int, int]:
    """Of every activation the one that stands for all that value-moving ops tie it to."""
    group = {index: index for index in activations(model)}

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for op in model.ops:
        if op.name in MOVES:
            joined = [index for index in (*op.inputs, *op.outputs) if index in group]
            for index in joined:
                group[root(index)] = root(joined[-1])
    return {index: root(index) for index in group}


def shared_ranges(model: TFLiteModel, measured: Mapping[int, Span]) -> Ranges:
    """Ranges by name from a span of every activation: tied ones get the union of theirs."""
    roots = tied(model)
    spans: dict[int, Span] = {}
    for index, (low, high) in measured.items():
        so_far = spans.get(roots[index], (0.0, 0.0))
        spans[roots[index]] = (min(low, so_far[0]), max(high, so_far[1]))
    for index, (low, high) in spans.items():
        if high - low < np.finfo(np.float32).tiny:
            # Always 0 on these windows: any scale is right, none can be computed.
            spans[index] = (0.0, 1.0)
    fixed = {op.outputs[0]: FIXED_RANGES[op.name] for op in model.ops if op.name in FIXED_RANGES}
    for index, (low, high) in fixed.items():
        span = spans[roots[index]]
        # The highest code stands for what is a step above it as well.
        if low <= span[0] and span[1] <= 1:
            spans[roots[index]] = (low, high)
    return {model.tensors[i].name: fixed.get(i, spans[roots[i]]) for i in measured}
