"""Float `.tflite` to int8 by ai-edge-quantizer, on ranges that are given to it.

Weights per channel and symmetric, activations per tensor, biases int32 on the product of scales,
int8 in and out: the arithmetic of the TFLite quantisation specification
(https://ai.google.dev/edge/litert/models/quantization_spec).
"""

from pathlib import Path

import numpy as np
from ai_edge_quantizer import model_modifier, params_generator, recipe, recipe_manager

from converter.quantising.ranges import MOVES, Ranges
from midfuse.errors import InputError
from midfuse.ops import INT8, check_support
from midfuse.tflite_file import Tensor, TFLiteModel, parse_tflite

_SOFTMAX_SCALE, _SOFTMAX_ZERO_POINT = np.float32(1 / 256), -128


def quantise_model(model: TFLiteModel, ranges: Ranges, path: Path, where: str) -> TFLiteModel:
    """Quantise a float model; `path` is where the result will be written,
    `where` names the model in errors.

    Raises:
        InputError: the quantiser cannot, or the result is not int8 throughout.
    """
    recipes = recipe_manager.RecipeManager()
    recipes.load_quantization_recipe(recipe.static_wi8_ai8())
    statistics = {
        name: {"min": np.float32(low), "max": np.float32(high)}
        for name, (low, high) in ranges.items()
    }
    # What Quantizer.quantize() does, without its interpreter, which prints as it starts.
    try:
        parameters = params_generator.ParamsGenerator(
            model.content
        ).generate_quantization_parameters(recipes, statistics)
        content = model_modifier.ModelModifier(model.content).modify_model(parameters)
    except (ValueError, RuntimeError, KeyError) as error:
        line = " ".join(str(error).split())[:300]
        raise InputError(
            f"{where}: the quantiser cannot ({line})", "change the op that it names"
        ) from error
    quantised = parse_tflite(bytes(content), path)
    check_support(quantised, where)
    check_scales(quantised, where)
    return quantised


def check_scales(model: TFLiteModel, where: str) -> None:
    """Hold the result against what TFLM's int8 kernels take for granted.

    Raises:
        InputError: a tensor that did not become int8, a SOFTMAX on another scale than its kernel
            writes, or an op that only moves values between different scales.
    """
    for index in (*model.inputs, *(index for op in model.ops for index in op.outputs)):
        tensor = model.tensors[index]
        if tensor.dtype != INT8:
            raise InputError(
                f"{where}: tensor {tensor.name[:60]} is {tensor.dtype} after quantisation",
                "leave out of the model what works on other numbers than activations",
            )
    for op in model.ops:
        output = model.tensors[op.outputs[0]]
        if op.name == "SOFTMAX" and _step(output) != (_SOFTMAX_SCALE, _SOFTMAX_ZERO_POINT):
            raise InputError(
                f"{where}: op {op.index}, SOFTMAX, writes on scale {output.scale}",
                "this is a fault of the converter; report it",
            )
        if op.name in MOVES:
            values = [model.tensors[i] for i in op.inputs if model.tensors[i].dtype == INT8]
            if any(_step(value) != _step(output) for value in values):
                raise InputError(
                    f"{where}: op {op.index}, {op.name}, joins different scales",
                    "this is a fault of the converter; report it",
                )


def _step(tensor: Tensor) -> tuple[np.float32, int]:
    return tensor.scale, tensor.zero_point
