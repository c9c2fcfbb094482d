"""Bias correction: what rounding shifts a linear op's channels by on average, taken off again.

Rounded weights times inputs that are not 0 on average, and inputs that are clipped, move the mean
of an output channel; a bias can move it back (M. Nagel et al., arXiv:1906.04721, section 4.2).
The mean output of a linear op is its output for the mean input, so one run on means is enough.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from converter.checks.islands import cut, rounded_constants
from converter.lowering.float_graph import FloatGraph
from converter.lowering.float_model import FloatModel
from converter.reading.windows import FloatArray, Windows
from midfuse.core.numeric import dequantise, quantise
from midfuse.core.tflite_file import Op, TFLiteModel

# An activation that an op reads: both by index.
_Read = tuple[int, int]

_LINEAR = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")


def correct_biases(
    float_model: TFLiteModel, quantised: TFLiteModel, windows: Windows
) -> TFLiteModel:
    """The float model with biases that make up for the means that `quantised` misses.

    Quantise it on the same ranges as before. Each op is corrected for its own weights and the
    rounding of its own inputs, fed with float values; ops without a bias stay as they are.
    """
    linear = [op for op in float_model.ops if _has_bias(float_model, op)]
    bare = FloatGraph(float_model)
    for op in linear:
        bare.without_activation(op.index)
    alone = bare.model()
    exact, rounded = _mean_inputs(float_model, quantised, linear, windows)
    expected = _outputs(alone, {}, exact)
    found = _outputs(alone, rounded_constants(quantised, float_model), rounded)
    graph = FloatGraph(float_model)
    for op in linear:
        shift = (found[op.index] - expected[op.index]).reshape(-1, found[op.index].shape[-1])
        graph.set_constant(op.index, 2, graph.constant(op.index, 2) - shift.mean(axis=0))
    return graph.model()


def _has_bias(model: TFLiteModel, op: Op) -> bool:
    constants = [index >= 0 and model.tensors[index].data is not None for index in op.inputs[1:]]
    return op.name in _LINEAR and constants == [True, True]


def _mean_inputs(
    float_model: TFLiteModel, quantised: TFLiteModel, linear: list[Op], windows: Windows
) -> tuple[dict[_Read, FloatArray], dict[_Read, FloatArray]]:
    """Every activation that an op reads, by (op, tensor), as float has it and rounded.

    For the data of linear ops it is the mean over the windows, for all else any value will do.
    """
    made = {quantised.tensors[op.outputs[0]].name: op for op in quantised.ops}
    given = {}
    for op in linear:
        twin = made[float_model.tensors[op.outputs[0]].name]
        given[op.index, op.inputs[0]] = quantised.tensors[twin.inputs[0]]
    exact = {key: np.zeros(tensor.shape) for key, tensor in given.items()}
    rounded = {key: np.zeros(tensor.shape) for key, tensor in given.items()}
    reference = FloatModel(float_model)
    for at in range(len(windows)):
        reference.run(windows.window(at))
        for key, tensor in given.items():
            values = reference.tensor(key[1])
            codes = quantise(values, tensor.scale, tensor.zero_point, tensor.dtype)
            exact[key] += values / len(windows)
            rounded[key] += dequantise(codes, tensor.scale, tensor.zero_point) / len(windows)
    others = {
        (op.index, index): reference.tensor(index)
        for op in float_model.ops
        for index in op.inputs
        if index >= 0 and float_model.tensors[index].data is None
    }
    return others | _float32(exact), others | _float32(rounded)


def _float32(means: Mapping[_Read, npt.NDArray[np.float64]]) -> dict[_Read, FloatArray]:
    return {key: values.astype(np.float32) for key, values in means.items()}


def _outputs(
    model: TFLiteModel,
    constants: Mapping[int, FloatArray],
    inputs: Mapping[_Read, FloatArray],
) -> list[FloatArray]:
    """Every op's first output, each op run by itself on `inputs`."""
    islands = cut(model, constants)
    keys = [
        (op.index, index)
        for op in model.ops
        for index in op.inputs
        if index >= 0 and model.tensors[index].data is None
    ]
    return FloatModel(islands.model).run([inputs[key] for key in keys])
