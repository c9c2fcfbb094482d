"""Float `.tflite` to int8 by ai-edge-quantizer, on ranges that are given to it.

Weights per channel and symmetric, activations per tensor, biases int32 on the product of scales,
int8 in and out: the arithmetic of the TFLite quantisation specification
(https://ai.google.dev/edge/litert/models/quantization_spec). Single activations can be int16
instead, symmetric, with biases of int64; QUANTIZE ops join them to the others.
"""

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import model_modifier, params_generator, qtyping, recipe, recipe_manager

from converter.lowering import schema_edit as edit
from converter.quantising.ranges import FIXED_RANGES, MOVES, Ranges
from midfuse.core.errors import InputError
from midfuse.core.ops import INT8, INT16, OPS
from midfuse.core.support import check_support
from midfuse.core.tflite_file import Op, Tensor, TFLiteModel, parse_tflite

# The quantiser sees an op of the second kind where there is one of the first.
_STAND_INS = {name: record.quantised_as for name, record in OPS.items() if record.quantised_as}


def quantise_model(
    model: TFLiteModel, ranges: Ranges, path: Path, where: str, wide: Collection[str] = ()
) -> TFLiteModel:
    """Quantise a float model; `path` is where the result will be written,
    `where` names the model in errors.

    `wide` names activations to be int16: the ops that write or read them compute in int16 as far
    as they have kernels for it. The model's inputs and outputs stay int8.

    Raises:
        InputError: the quantiser cannot, or the result has other types.
    """
    recipes = recipe_manager.RecipeManager()
    recipes.load_quantization_recipe(recipe.static_wi8_ai8())
    for op in _wide_ops(model, wide):
        scope = "".join(f"{model.tensors[index].name};" for index in op.outputs)
        recipes.add_quantization_config(
            f"^{re.escape(scope)}$", qtyping.TFLOperationName.ALL_SUPPORTED, _int16_config()
        )
    statistics = {
        name: {"min": np.float32(low), "max": np.float32(high)}
        for name, (low, high) in ranges.items()
    }
    flat = edit.read(model.content)
    replaced = _replace_unknown(flat)
    known = edit.write(flat)
    # What Quantizer.quantize() does, without its interpreter, which prints as it starts.
    try:
        parameters = params_generator.ParamsGenerator(known).generate_quantization_parameters(
            recipes, statistics
        )
        content = model_modifier.ModelModifier(known).modify_model(parameters)
    except (ValueError, RuntimeError, KeyError) as error:
        line = " ".join(str(error).split())[:300]
        raise InputError(
            f"{where}: the quantiser cannot ({line})", "change the op that it names"
        ) from error
    flat = edit.read(content)
    for at, code in enumerate(flat.operatorCodes):
        # Those that the quantiser adds lack the field in which readers look first.
        edit.set_code(code, replaced.get(at, edit.code_name(code)))
    _requantise_fixed(flat)
    quantised = parse_tflite(edit.write(flat), path)
    check_support(quantised, where)
    check_scales(quantised, where)
    return quantised


def _wide_ops(model: TFLiteModel, wide: Collection[str]) -> list[Op]:
    """The ops that compute in int16 where the tensors `wide` are int16."""
    names = [tensor.name for tensor in model.tensors]
    return [
        op
        for op in model.ops
        if (INT16, INT16) in OPS[op.name].pairs
        and any(index >= 0 and names[index] in wide for index in op.inputs + op.outputs)
    ]


def _int16_config() -> qtyping.OpQuantizationConfig:
    """Unchecked, because the quantiser's own list of int16 ops lacks some that TFLM has."""
    (narrow,) = recipe.static_wi8_ai8()
    return dataclasses.replace(
        qtyping.OpQuantizationConfig.from_dict(narrow["op_config"]),
        activation_tensor_config=qtyping.TensorQuantizationConfig(16, symmetric=True),
        skip_checks=True,
    )


def _replace_unknown(model: Any) -> dict[int, str]:
    """Put stand-ins in the table of op codes; the ops that were there, by their place in it."""
    replaced = {}
    for at, code in enumerate(model.operatorCodes):
        name = edit.code_name(code)
        if name in _STAND_INS:
            replaced[at] = name
            edit.set_code(code, _STAND_INS[name])
    return replaced


def _requantise_fixed(model: Any) -> None:
    """After an op with a scale of its own comes a QUANTIZE, where its reader has another."""
    graph = model.subgraphs[0]
    for op in list(graph.operators):
        name, made = edit.op_name(model, op), graph.tensors[op.outputs[0]]
        if name not in FIXED_RANGES or made.type != schema.TensorType.INT8:
            continue
        scale, zero_point = _fixed_step(name, INT8)
        if np.float32(made.quantization.scale[0]) == scale:
            continue
        step = edit.one_step(float(scale), zero_point)
        given = edit.add_tensor(graph, made.name, made.type, made.shape, made.buffer, step)
        made.name += b"/requantised"
        requantised = int(op.outputs[0])
        op.outputs = [given]
        _move_output(model, requantised, given)
        quantize = edit.make_op(model, "QUANTIZE", [given], [requantised])
        graph.operators.insert(graph.operators.index(op) + 1, quantize)


def _move_output(model: Any, old: int, new: int) -> None:
    """What the model gives stays what its op makes."""
    graph = model.subgraphs[0]
    graph.outputs = [new if index == old else index for index in graph.outputs]
    for signature in model.signatureDefs or []:
        for entry in signature.outputs:
            entry.tensorIndex = new if entry.tensorIndex == old else entry.tensorIndex


def check_scales(model: TFLiteModel, where: str) -> None:
    """Hold the result against what TFLM's kernels take for granted.

    Raises:
        InputError: a tensor that is neither int8 nor int16 around 0, an input or output that is
            not int8, an op on another scale than its kernel writes, or one that only moves values
            between different scales.
    """
    ends = {*model.inputs, *model.outputs}
    for index in (*model.inputs, *(index for op in model.ops for index in op.outputs)):
        tensor = model.tensors[index]
        symmetric = tensor.dtype == INT16 and tensor.zero_point == 0
        if tensor.dtype != INT8 and (index in ends or not symmetric):
            raise InputError(
                f"{where}: tensor {tensor.name[:60]} is {tensor.dtype} after quantisation",
                "leave out of the model what works on other numbers than activations",
            )
    for op in model.ops:
        output = model.tensors[op.outputs[0]]
        if op.name in FIXED_RANGES and _step(output) != _fixed_step(op.name, output.dtype):
            raise InputError(
                f"{where}: op {op.index}, {op.name}, writes on scale {output.scale}",
                "this is a fault of the converter; report it",
            )
        if op.name in MOVES:
            values = [model.tensors[i] for i in op.inputs if model.tensors[i].dtype == output.dtype]
            if any(_step(value) != _step(output) for value in values):
                raise InputError(
                    f"{where}: op {op.index}, {op.name}, joins different scales",
                    "this is a fault of the converter; report it",
                )


def _fixed_step(name: str, dtype: str) -> tuple[np.float32, int]:
    if dtype == INT16:
        return np.float32(1 / 32768), 0
    low, high = FIXED_RANGES[name]
    scale = (high - low) / 255
    return np.float32(scale), round(-128 - low / scale)


def _step(tensor: Tensor) -> tuple[np.float32, int]:
    return tensor.scale, tensor.zero_point
