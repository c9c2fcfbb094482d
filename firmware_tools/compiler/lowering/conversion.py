"""Ops that give another type than they take: QUANTIZE, DEQUANTIZE, ARG_MAX."""

import math

from firmware_tools.compiler.lowering import unary
from firmware_tools.compiler.lowering.common import code_range, multiplier_and_shift
from firmware_tools.compiler.program import SUFFIXES, Call, Graph, Value
from midfuse.core.tflite_file import Op, Tensor


def quantize(op: Op, graph: Graph) -> list[Call]:
    """From float32, or from one integer type and scale to another."""
    x, out = graph.activation(op, 0), graph.result(op)
    if x.dtype == out.dtype == "int8":
        return unary.requantize(op, graph)
    graph.require(x.shape == out.shape, op, f"{x.shape} gives {out.shape}")
    _require_scale(op, graph, out)
    suffix = f"_{SUFFIXES[x.dtype]}_{SUFFIXES[out.dtype]}"
    if x.dtype == "float32":
        fields = _float_fields(x, out)
        return [graph.call("mf_quantize", "mf_quantize", fields, [x], out,
                           suffix=suffix, struct="mf_quantize_params")]  # fmt: skip
    _require_scale(op, graph, x)
    multiplier, shift = multiplier_and_shift(op, graph, float(x.scale) / float(out.scale))
    fields = {
        "count": x.elements,
        "input_zero_point": x.zero_point,
        "multiplier": multiplier,
        "shift": shift,
        "output_zero_point": out.zero_point,
    }
    return [graph.call("mf_rescale", "mf_rescale", fields, [x], out, suffix=suffix, in_place=[x])]


def dequantize(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    graph.require(x.shape == out.shape, op, f"{x.shape} gives {out.shape}")
    return [graph.call("mf_dequantize", "mf_dequantize", _float_fields(out, x), [x], out,
                       suffix=f"_{SUFFIXES[x.dtype]}", struct="mf_quantize_params")]  # fmt: skip


def _float_fields(real: Tensor, codes: Tensor) -> dict[str, Value]:
    scale, zero_point = float(codes.scale), codes.zero_point
    return {"count": real.elements, "scale": scale, "zero_point": zero_point}


def _require_scale(op: Op, graph: Graph, tensor: Tensor) -> None:
    """One scale; int32 tensors often have none."""
    scaled = tensor.quantization is not None and len(tensor.quantization.scale) == 1
    graph.require(scaled, op, f"{tensor.name} has no single scale")
    low, high = code_range(tensor)
    graph.require(low <= tensor.zero_point <= high, op, f"{tensor.name}'s zero point")


def arg_max(op: Op, graph: Graph) -> list[Call]:
    x, out, axes = graph.activation(op, 0), graph.result(op), graph.numbers(op, 1)
    rank = len(x.shape)
    graph.require(len(axes) == 1 and -rank <= axes[0] < rank, op, f"axes {axes} of {x.shape}")
    axis = axes[0] % rank
    left = (*x.shape[:axis], *x.shape[axis + 1 :])
    graph.require(left == out.shape, op, f"{x.shape} along {axis} gives {out.shape}")
    graph.require(x.shape[axis] > 0, op, f"no largest of nothing along axis {axis} of {x.shape}")
    fields: dict[str, Value] = {
        "outer": math.prod(x.shape[:axis]),
        "length": x.shape[axis],
        "inner": math.prod(x.shape[axis + 1 :]),
    }
    return [graph.call("mf_arg_max", "mf_arg_max", fields, [x], out,
                       suffix=f"_{SUFFIXES[x.dtype]}")]  # fmt: skip
