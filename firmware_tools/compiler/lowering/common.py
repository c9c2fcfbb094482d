"""What several lowerings need: activation limits, per-channel outputs, strides, copies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tflite

from firmware_tools.compiler.affine import places
from firmware_tools.compiler.fixed_point import quantise_multiplier
from firmware_tools.compiler.program import Graph, Value
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, Tensor

KERNEL_AXES = 4
# What an op with more axes may become.
_MOST_CALLS = 256

_RANGES = {
    tflite.ActivationFunctionType.RELU: (0.0, math.inf),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0),
}


def activation_limits(op: Op, graph: Graph, output: Tensor) -> tuple[int, int]:
    """The codes between which a fused activation clamps."""
    lowest, highest = code_range(output)
    kind = op.options.get("fused_activation_function", tflite.ActivationFunctionType.NONE)
    if kind == tflite.ActivationFunctionType.NONE:
        return lowest, highest
    graph.require(kind in _RANGES, op, f"fused activation {kind} is not supported")
    low, high = _RANGES[kind]
    return max(lowest, _code(low, output)), min(highest, _code(high, output))


def code_range(tensor: Tensor) -> tuple[int, int]:
    """The lowest and the highest code of a tensor's type."""
    limits = np.iinfo(tensor.dtype)
    return int(limits.min), int(limits.max)


def _code(real: float, output: Tensor) -> int:
    if math.isinf(real):
        return code_range(output)[1]
    ratio = float(np.float32(real) / output.scale)
    return output.zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))


def multiplier_and_shift(op: Op, graph: Graph, real: float) -> tuple[int, int]:
    """A positive real for `mf_requantize`, whose shifts stay within 32 bits."""
    multiplier, shift = quantise_multiplier(real)
    graph.require(shift <= 30, op, "a multiplier of 2^30 or more")
    return multiplier, shift


# A value within 64 bits times a multiplier of 16.
_LARGEST_WIDE_BIAS = 1 << 46
# With int16 activations TFLM reads the biases of these as int64, whatever they are.
_BIAS_ALWAYS_WIDE = ("DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


def wide_multiplier_and_shift(op: Op, graph: Graph, real: float) -> tuple[int, int]:
    """A positive real for `mf_requantize_wide`: a multiplier of 16 bits."""
    multiplier, shift = quantise_multiplier(real)
    graph.require(shift < 15, op, "a multiplier of 2^15 or more")
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


@dataclass(frozen=True)
class Filters:
    """The constant int8 weights of a matrix product and its bias, zeros where it has none.

    `wide`: sums are of 64 bits, as TFLM has them for int16 activations unless the bias is int32.
    """

    tensor: Tensor
    values: npt.NDArray[Any]
    bias: npt.NDArray[np.int64]
    wide: bool


def filters(op: Op, graph: Graph, x: Tensor, *, axis: int = 0, bias_input: int = 2) -> Filters:
    """The weights, their channels on `axis`, and the bias that go with activations `x`."""
    weights = graph.input(op, 1)
    constant = weights.data is not None and weights.dtype == "int8"
    graph.require(constant, op, f"weights ({weights.name}) are not int8 constants")
    quantization = weights.quantization
    graph.require(quantization is not None, op, f"weights ({weights.name}) have no scale")
    assert weights.data is not None
    assert quantization is not None
    graph.require(not quantization.zero_point.any(), op, "weights with a zero point")
    graph.require(len(weights.shape) > axis, op, f"weights of shape {weights.shape}")
    graph.require(quantization.axis == axis or len(quantization.scale) == 1, op, "weights' axis")
    channels = weights.shape[axis]
    wide = x.dtype == "int16"
    bias = np.zeros(channels, np.int64)
    if len(op.inputs) > bias_input and op.inputs[bias_input] >= 0:
        tensor = graph.input(op, bias_input)
        wide = wide and (tensor.dtype == "int64" or op.name in _BIAS_ALWAYS_WIDE)
        dtype = "int64" if wide else "int32"
        right = tensor.data is not None and tensor.dtype == dtype and tensor.shape == (channels,)
        graph.require(right, op, f"bias ({tensor.name}) is not {channels} {dtype} constants")
        assert tensor.data is not None
        bias = tensor.data.astype(np.int64)
        small = bool((np.abs(bias) < _LARGEST_WIDE_BIAS).all())
        graph.require(small, op, f"bias ({tensor.name}) of more than 46 bits")
    if x.dtype == "int8":  # no value of the input may bring a sum past 32 bits
        others = tuple(other for other in range(len(weights.shape)) if other != axis)
        reach = 256 * np.abs(weights.data.astype(np.int64)).sum(axis=others)
        fits = bool((np.abs(bias) + reach < 1 << 31).all())
        graph.require(fits, op, "weights and a bias whose sum can pass 32 bits")
    return Filters(weights, weights.data, bias, wide)


def channel_output(
    op: Op, graph: Graph, x: Tensor, weights: Filters, output: Tensor, zero_point_sums: Any = 0
) -> dict[str, Value]:
    """The `mf_channel_output` of a matrix product; `zero_point_sums` go into the bias."""
    assert weights.tensor.quantization is not None
    low, high = activation_limits(op, graph, output)
    scales = np.broadcast_to(weights.tensor.quantization.scale, weights.bias.shape)
    quantised = wide_multiplier_and_shift if weights.wide else multiplier_and_shift
    pairs = [
        quantised(op, graph, float(x.scale) * float(scale) / float(output.scale))
        for scale in scales
    ]
    bias = weights.bias + zero_point_sums
    return {
        **(
            {"bias64": graph.constant(bias)}
            if weights.wide
            else {"bias": graph.constant(bias.astype(np.uint32).astype(np.int32))}
        ),
        "multiplier": graph.constant(np.array([m for m, _ in pairs], np.int32)),
        "shift": graph.constant(np.array([s for _, s in pairs], np.int8)),
        "zero_point": output.zero_point,
        "low": low,
        "high": high,
    }


def strides(shape: tuple[int, ...]) -> list[int]:
    """Row-major strides in elements."""
    out = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        out[axis] = out[axis + 1] * shape[axis + 1]
    return out


def pad_left(values: list[int], fill: int, length: int = KERNEL_AXES) -> list[int]:
    """Bring a list to the kernels' fixed rank."""
    return [fill] * (length - len(values)) + values


class Axis(NamedTuple):
    """One axis of a block that a kernel walks over; a stride in elements for each tensor."""

    size: int
    strides: tuple[int, ...]


def merge_axes(axes: Sequence[Axis]) -> list[Axis]:
    """Drop axes of one and join neighbours that are contiguous in every tensor."""
    if any(axis.size == 0 for axis in axes):
        return [Axis(0, (0,) * len(axes[0].strides))]
    merged: list[Axis] = []
    for axis in axes:
        if axis.size == 1:
            continue
        if merged and merged[-1].strides == tuple(axis.size * step for step in axis.strides):
            merged[-1] = Axis(merged[-1].size * axis.size, axis.strides)
        else:
            merged.append(axis)
    return merged


def starts_along(
    op: Op, graph: Graph, axes: Sequence[Axis], first: Sequence[int]
) -> list[tuple[int, ...]]:
    """Where each tensor's block begins, for every place on axes that the kernel lacks."""
    sizes = [axis.size for axis in axes]
    graph.require(math.prod(sizes) <= _MOST_CALLS, op, "more than four long axes")
    columns = [
        places(sizes, [axis.strides[i] for axis in axes], offset).ravel().tolist()
        for i, offset in enumerate(first)
    ]
    return list(zip(*columns, strict=True))


def require_grid(op: Op, graph: Graph, out: Tensor) -> None:
    """The int8 grid that TFLM fixes for the op's output."""
    grid = OPS[op.name].grid
    assert grid is not None
    same = out.zero_point == grid.zero_point and out.scale == np.float32(grid.scale)
    graph.require(same, op, f"an output that is not on {grid}")


def require_same_scale(op: Op, graph: Graph, x: Tensor, out: Tensor) -> None:
    """The same type, and codes that mean the same numbers."""
    graph.require(x.dtype == out.dtype, op, f"input {x.name} is {x.dtype}, not {out.dtype}")
    if x.dtype not in ("int8", "int16"):
        return
    same = x.scale == out.scale and x.zero_point == out.zero_point
    graph.require(same, op, f"input {x.name} is on another scale than the output")
