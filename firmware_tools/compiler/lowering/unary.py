"""Element-wise ops on one input.

Of int8 the host computes all 256 results and the device looks them up; int16 is computed there.
"""

import math
from collections.abc import Callable

import numpy as np

from firmware_tools.compiler.fixed_point import (
    inverse_square_root_multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
)
from firmware_tools.compiler.interpolation import logistic as logistic_table
from firmware_tools.compiler.interpolation import power_of_two
from firmware_tools.compiler.lowering.common import (
    code_range,
    multiplier_and_shift,
    require_grid,
    require_same_scale,
)
from firmware_tools.compiler.program import Call, Graph, Value
from firmware_tools.compiler.sigmoid import HardSwish, logistic_code, tanh_code
from midfuse.core.tflite_file import Op, Tensor


def relu(op: Op, graph: Graph) -> list[Call]:
    return [_two_slopes(op, graph, _gain(op, graph), 0.0)]


def relu6(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    require_same_scale(op, graph, x, out)  # TFLM clamps and never rescales
    six = math.floor(float(np.float32(6) / x.scale) + 0.5) + x.zero_point
    return [_two_slopes(op, graph, 1.0, 0.0, high=six)]


def leaky_relu(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    alpha = np.float32(op.options.get("alpha", 0.0))
    graph.require(bool(np.isfinite(alpha)), op, f"a slope of {alpha}")
    sloped = float(x.scale) * abs(float(alpha)) / float(out.scale)
    # A negative slope's ties fall as if TFLM negated what its size gives.
    return [_two_slopes(op, graph, _gain(op, graph), sloped, sign=-1 if alpha < 0 else 1)]


def abs_(op: Op, graph: Graph) -> list[Call]:
    gain = _gain(op, graph)
    return [_two_slopes(op, graph, gain, -gain)]


def requantize(op: Op, graph: Graph) -> list[Call]:
    """QUANTIZE from int8 to int8."""
    gain = _gain(op, graph)
    return [_two_slopes(op, graph, gain, gain)]


def logistic(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    if x.dtype == "int16":
        return [_sigmoid_int16(op, graph, "mf_logistic", own_shifts=(0,))]
    require_grid(op, graph, out)
    _require_sigmoid_scale(op, graph, x)
    return [_lookup(op, graph, lambda value: logistic_code(value, x.scale))]


def tanh(op: Op, graph: Graph) -> list[Call]:
    x, out = _tensors(op, graph)
    if x.dtype == "int16":
        return [_sigmoid_int16(op, graph, "mf_tanh", own_shifts=(0, 1))]
    require_grid(op, graph, out)
    _require_sigmoid_scale(op, graph, x)
    return [_lookup(op, graph, lambda value: tanh_code(value, x.scale))]


def _sigmoid_int16(op: Op, graph: Graph, name: str, own_shifts: tuple[int, ...]) -> Call:
    """Inputs come to steps of 1 / 12288: by 3 * 2^n exactly where n is one of `own_shifts`."""
    x, out = _tensors(op, graph)
    _require_same_shape(op, graph)
    graph.require(out.scale == np.float32(1 / 32768), op, "an output that is not on scale 1/32768")
    multiplier, shift = float(x.scale) * 12288, 0
    graph.require(multiplier < 1 << 16, op, f"an input on scale {x.scale}")  # 32 bits hold it
    power = power_of_two(x.scale)
    if power is not None and power + 12 in own_shifts:
        multiplier = 3 << (power + 12)
    else:
        while multiplier <= 32767 / 2 and shift <= 30:
            multiplier, shift = multiplier * 2, shift + 1
    fields: dict[str, Value] = {
        "count": x.elements,
        "multiplier": int(multiplier),
        "shift": shift,
        "table": graph.constant(logistic_table()),
    }
    return graph.call(
        "mf_sigmoid", name, fields, [x], out, struct="mf_sigmoid_params", in_place=[x]
    )


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
    scale = 1 / (math.sqrt(x.scale) * float(out.scale))
    if x.dtype == "int16":
        return [_rsqrt_int16(op, graph, scale)]
    multiplier, shift = quantise_multiplier(scale)

    def code(value: int) -> int:
        if value <= 0:  # TFLM has this for 0 and stops with an error below
            return 127
        root_multiplier, root_shift = inverse_square_root_multiplier(value)
        root = multiply_by_quantised_multiplier(1, root_multiplier, root_shift + _RSQRT_SHIFT)
        scaled = multiply_by_quantised_multiplier(root, multiplier, shift - _RSQRT_SHIFT)
        return _clamp(scaled + out.zero_point, out)

    return [_lookup(op, graph, code)]


def _rsqrt_int16(op: Op, graph: Graph, scale: float) -> Call:
    x, out = _tensors(op, graph)
    _require_same_shape(op, graph)
    multiplier, shift = multiplier_and_shift(op, graph, scale)
    within = shift - _RSQRT_SHIFT >= -31
    graph.require(within, op, f"scales {x.scale} and {out.scale}, between which TFLM shifts by "
                  "more than 31 bits")  # fmt: skip
    fields: dict[str, Value] = {
        "count": x.elements,
        "multiplier": multiplier,
        "shift": shift - _RSQRT_SHIFT,
    }
    return graph.call("mf_rsqrt", "mf_rsqrt", fields, [x], out, in_place=[x])


def _tensors(op: Op, graph: Graph) -> tuple[Tensor, Tensor]:
    return graph.activation(op, 0), graph.result(op)


def _require_same_shape(op: Op, graph: Graph) -> None:
    x, out = _tensors(op, graph)
    graph.require(x.shape == out.shape, op, f"{x.shape} gives {out.shape}")


def _gain(op: Op, graph: Graph) -> float:
    """From the input's scale to the output's."""
    x, out = _tensors(op, graph)
    return float(x.scale) / float(out.scale)


def _two_slopes(
    op: Op,
    graph: Graph,
    positive: float,
    negative: float,
    *,
    sign: int = 1,
    high: int | None = None,
) -> Call:
    """What values above and below zero are multiplied by; `high` is the largest output code.

    `sign` multiplies what has been rounded below zero.
    """
    x, out = _tensors(op, graph)
    above = multiplier_and_shift(op, graph, positive)
    below = multiplier_and_shift(op, graph, negative)
    low, highest = code_range(out)
    high = highest if high is None else min(high, highest)

    def code(value: int) -> int:
        if value >= 0:
            scaled = multiply_by_quantised_multiplier(value, *above)
        else:
            scaled = sign * multiply_by_quantised_multiplier(value, *below)
        return max(low, min(high, scaled + out.zero_point))

    if x.dtype == "int8":
        return _lookup(op, graph, code)
    _require_same_shape(op, graph)
    fields: dict[str, Value] = {
        "count": x.elements,
        "multiplier1": above[0],
        "shift1": above[1],
        "multiplier2": below[0],
        "shift2": below[1],
        "sign2": sign,
        "low": low,
        "high": high,
    }
    return graph.call("mf_two_slopes", "mf_two_slopes", fields, [x], out, in_place=[x])


def _clamp(code: int, out: Tensor) -> int:
    low, high = code_range(out)
    return max(low, min(high, code))


def _lookup(op: Op, graph: Graph, code: Callable[[int], int]) -> Call:
    """`code` takes an input's value above its zero point and gives an int8."""
    x, out = _tensors(op, graph)
    _require_same_shape(op, graph)
    values = range(-128 - x.zero_point, 128 - x.zero_point)
    table = np.array([code(value) for value in values], np.int8)
    fields: dict[str, Value] = {"count": x.elements, "table": graph.constant(table)}
    return graph.call("mf_lookup", "mf_lookup", fields, [x], out, in_place=[x])
