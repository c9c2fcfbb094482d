"""Which activations need int16: those whose rounding to int8 is heard loudest at the outputs.

Every tensor is rounded by itself in the float model, and the squared error that reaches the
outputs is what keeping it in int8 costs.
"""

from dataclasses import dataclass

from converter.checks.agreement import names_classes
from converter.checks.equality import run_all
from converter.fixes.judge import signal_and_error
from converter.lowering.float_graph import FloatGraph
from converter.lowering.float_model import FloatModel
from converter.quantising.ranges import MOVES, Ranges, tied
from converter.reading.windows import Windows
from midfuse.core.ops import INT16, OPS
from midfuse.core.tflite_file import Op, TFLiteModel


@dataclass(frozen=True)
class RoundingCost:
    """Activations on one scale, by name, and the error at the outputs if they alone are int8.

    `noise` is the mean over windows and outputs of squared error over squared signal.
    """

    tensors: tuple[str, ...]
    noise: float


def rounding_costs(model: TFLiteModel, ranges: Ranges, windows: Windows) -> list[RoundingCost]:
    """Every group of tied activations that can be int16, the costliest in int8 first.

    Left out: what an op without an int16 kernel writes, and what only such ops read.
    """
    groups: dict[int, list[int]] = {}
    for index, root in tied(model).items():
        groups.setdefault(root, []).append(index)
    candidates = [group for group in groups.values() if _can_be_wide(model, group)]
    expected = run_all(FloatModel(model), windows)
    class_scores = names_classes(model.tensors[model.outputs[0]].shape)
    costs = []
    for group in candidates:
        names = tuple(model.tensors[index].name for index in group)
        step = _step(*ranges[names[0]])
        graph = FloatGraph(model)
        graph.round_tensors({index: step for index in group if _computed(model, index)})
        found = run_all(FloatModel(graph.model()), windows)
        signal, error = signal_and_error(expected, found, class_scores)
        noise = error[signal > 0] / signal[signal > 0]
        costs.append(RoundingCost(names, float(noise.mean()) if len(noise) else 0.0))
    return sorted(costs, key=lambda cost: -cost.noise)


def _can_be_wide(model: TFLiteModel, group: list[int]) -> bool:
    if set(group) & {*model.inputs, *model.outputs}:
        return False
    writers = [op for op in model.ops if set(op.outputs) & set(group)]
    readers = [op for op in model.ops if set(op.inputs) & set(group) and op not in writers]
    return all(map(_has_int16, writers)) and any(map(_has_int16, readers))


def _has_int16(op: Op) -> bool:
    return (INT16, INT16) in OPS[op.name].pairs


def _computed(model: TFLiteModel, index: int) -> bool:
    """Whether a tensor holds new values, not those of another one moved."""
    return not any(index in op.outputs and op.name in MOVES for op in model.ops)


def _step(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of int8 codes over a range that holds 0."""
    scale = (high - low) / 255
    return scale, round(-128 - low / scale)
