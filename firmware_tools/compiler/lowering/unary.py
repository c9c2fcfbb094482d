"""Element-wise ops on one input: the host computes all 256 results, the device looks them up."""

import math
from collections.abc import Callable

import numpy as np

from firmware_tools.compiler.fixed_point import (
    inverse_square_root_multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
)
from firmware_tools.compiler.lowering.common import require_same_scale
from firmware_tools.compiler.program import Call, Graph, Value
from firmware_tools.compiler.sigmoid import HardSwish, logistic_code, tanh_code
from midfuse.tflite_file import Op, Tensor


def relu(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    rescaled = _rescaling(x, out)
    low = max(-128, out.zero_point)
    return [_lookup(op, graph, lambda value: max(low, rescaled(value)))]


def relu6(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    require_same_scale(op, graph, x, out)  # TFLM clamps and never rescales
    ratio = float(np.float32(6) / x.scale)
    six = min(127, math.floor(ratio + 0.5) + x.zero_point)
    zero = x.zero_point
    return [_lookup(op, graph, lambda value: max(zero, min(six, value + zero)))]


def leaky_relu(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    alpha = np.float32(op.options.get("alpha", 0.0))
    graph.require(bool(np.isfinite(alpha)), op, f"a slope of {alpha}")
    kept = _rescaling(x, out)
    sloped = _requantisation(float(x.scale) * float(alpha) / float(out.scale), out)
    return [_lookup(op, graph, lambda value: kept(value) if value >= 0 else sloped(value))]


def abs_(op: Op, graph: Graph) -> list[Call]:
    rescaled = _rescaling(*_tensors(op, graph))
    return [_lookup(op, graph, lambda value: rescaled(abs(value)))]


def requantize(op: Op, graph: Graph) -> list[Call]:
    """QUANTIZE from int8 to int8."""
    return [_lookup(op, graph, _rescaling(*_tensors(op, graph)))]


def logistic(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    unit = out.zero_point == -128 and out.scale == np.float32(1 / 256)
    graph.require(unit, op, "an output that is not on scale 1/256, zero point -128")
    _require_sigmoid_scale(op, graph, x)
    return [_lookup(op, graph, lambda value: logistic_code(value, x.scale))]


def tanh(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    unit = out.zero_point == 0 and out.scale == np.float32(1 / 128)
    graph.require(unit, op, "an output that is not on scale 1/128, zero point 0")
    _require_sigmoid_scale(op, graph, x)
    return [_lookup(op, graph, lambda value: tanh_code(value, x.scale))]


def _require_sigmoid_scale(op: Op, graph: Graph, x: Tensor) -> None:
    """TFLM's arithmetic is defined between these."""
    graph.require(2.0**-27 <= float(x.scale) < 2.0**31, op, f"an input on scale {x.scale}")


def hard_swish(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    function = HardSwish.of_scales(x.scale, out.scale, out.zero_point)
    graph.require(-15 <= function.output_exponent <= 0, op,
                  f"scales {x.scale} and {out.scale} that are too far apart")  # fmt: skip
    graph.require(-15 <= function.reluish_exponent <= 16, op, f"an input on scale {x.scale}")
    return [_lookup(op, graph, function.code)]


# TFLM computes 1 / sqrt(q) with this many fraction bits before it applies the scales.
_RSQRT_SHIFT = 20


def rsqrt(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    # Below the zero point the root has no meaning and TFLM stops with an error.
    graph.require(x.zero_point == -128, op, "an input that can be negative")
    scale = np.float32(1) / np.float32(np.float32(math.sqrt(x.scale)) * out.scale)
    graph.require(bool(np.isfinite(scale)), op, f"scales {x.scale} and {out.scale}")
    multiplier, shift = quantise_multiplier(float(scale))

    def code(value: int) -> int:
        if value == 0:
            return 127
        root_multiplier, root_shift = inverse_square_root_multiplier(value)
        root = multiply_by_quantised_multiplier(1, root_multiplier, root_shift + _RSQRT_SHIFT)
        scaled = multiply_by_quantised_multiplier(root, multiplier, shift - _RSQRT_SHIFT)
        return _clamp(scaled + out.zero_point)

    return [_lookup(op, graph, code)]


def _tensors(op: Op, graph: Graph) -> tuple[Tensor, Tensor]:
    return graph.activation(op, 0), graph.result(op)


def _rescaling(x: Tensor, out: Tensor) -> Callable[[int], int]:
    """From a value above x's zero point to a code of the output."""
    return _requantisation(float(x.scale) / float(out.scale), out)


def _requantisation(real: float, out: Tensor) -> Callable[[int], int]:
    multiplier, shift = quantise_multiplier(real)

    def code(value: int) -> int:
        scaled = multiply_by_quantised_multiplier(value, multiplier, shift)
        return _clamp(scaled + out.zero_point)

    return code


def _clamp(code: int) -> int:
    return max(-128, min(127, code))


def _lookup(op: Op, graph: Graph, code: Callable[[int], int]) -> Call:
    """`code` takes an input's value above its zero point and gives an int8."""
    x, out = _tensors(op, graph)
    graph.require(x.shape == out.shape, op, f"{x.shape} gives {out.shape}")
    values = range(-128 - x.zero_point, 128 - x.zero_point)
    table = np.array([code(value) for value in values], np.int8)
    fields: dict[str, Value] = {"count": x.elements, "table": graph.constant(table)}
    return graph.call("mf_lookup", "mf_lookup", fields, [x], out, in_place=[x])
