"""FULLY_CONNECTED and CONV_2D: rows of activations times constant weights, by SMLAD.

Both become strips of rows of 16-bit activations (of a convolution: windows) times the weights.
These lie in flash as one stream in the order in which the kernels of `mf_rows_dsp.h` read them:
widened to 16 bits as long as the budget lasts, else as bytes, two channels' in a half.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call, Value
from firmware_tools.compiler.variants.draft import Draft, values_of
from firmware_tools.compiler.variants.dsp import depthwise
from firmware_tools.compiler.variants.dsp.scale import channel_scales

_LANES = 4  # channels that are worked on together
_STEP = 8  # elements of a row between two looks at the loop's counter
# Widening pays by the number of times that a weight is used, which is why the most used come first.
_FLASH_FOR_WIDENING = 12 * 1024
_WORTH_WIDENING = 8
_STRIP_BYTES = 1024  # of widened rows, unless one takes more
_AXES = ("height", "width")
_KEPT = (
    "batches", "in_height", "in_width", "in_channels", "out_height", "out_width",
    "kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height",
    "dilation_width", "pad_top", "pad_left", "input_zero_point",
)  # fmt: skip


def fully_connected(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not for sums of 30 bits, nor for a channel whose scale grows (see `channel_scales`)."""
    names = ("channels", "rows", "depth", "output_row_stride")
    channels, *shape = (call.number(name) for name in names)
    weights = values_of(call, "weights", (channels, shape[1]))
    return _rows(call, draft, weights, *shape)


def conv_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not for dilated columns of a depth that leaves a word incomplete either; nor with groups,
    unless each is one channel that gives one."""
    names = ("out_channels", "kernel_height", "kernel_width", "group_channels")
    channels, height, width, depth = (call.number(name) for name in names)
    grouped = depth != call.number("in_channels")
    if grouped and depth == call.number("filters_per_group") == 1:
        weights = values_of(call, "weights", (channels, height, width))
        return depthwise.windows(call, draft, weights.transpose(1, 2, 0), 0)
    dilation = call.number("dilation_width") if width > 1 else 1
    if grouped or (dilation > 1 and depth % 4):
        return None
    pixels = call.number("batches") * call.number("out_height") * call.number("out_width")
    if height == width == 1 and all(
        call.number(f"in_{a}") == call.number(f"out_{a}") for a in _AXES
    ):
        weights = values_of(call, "weights", (channels, depth))
        return _rows(call, draft, weights, pixels, depth, channels)
    weights = values_of(call, "weights", (channels, height, width, depth))
    # As `mf_conv_2d_dsp.c` lays windows out: from one to the next, a strip's bytes by its pixels.
    stride = call.number("stride_width")
    if depth % 4 == 0 and dilation == 1:
        weights = weights.transpose(0, 2, 1, 3).reshape(channels, -1)
        column = 2 * height * depth
        row_bytes, first_bytes, more_bytes = stride * column, width * column, stride * column
    else:
        weights = weights.reshape(channels, height, width * depth)
        weights = np.pad(weights, ((0, 0), (0, 0), (0, -width * depth % 4)))
        weights = weights.reshape(channels, -1)
        row_bytes = 2 * weights.shape[1]
        first_bytes = more_bytes = row_bytes
        if dilation == 1:  # the copy of a row
            first_bytes, more_bytes = row_bytes + width * depth + 4, row_bytes + stride * depth
    fields = {name: call.fields[name] for name in _KEPT}
    fields |= {"dilation_width": dilation, "row_bytes": row_bytes}
    return _product(
        call, draft, "mf_conv_2d", fields, weights, pixels, call.number("out_width"),
        lambda count: first_bytes + (count - 1) * more_bytes,
    )  # fmt: skip


def _rows(
    call: Call, draft: Draft, weights: npt.NDArray[np.int8], rows: int, depth: int, stride: int
) -> Sequence[Call] | None:
    """The call of FULLY_CONNECTED's kernel."""
    fields: dict[str, Value] = {"rows": rows, "depth": depth, "output_row_stride": stride}
    row_bytes = 2 * _STEP * -(-depth // _STEP)
    return _product(
        call, draft, "mf_fully_connected", fields, weights, rows, rows, lambda n: n * row_bytes
    )


def _product(
    call: Call,
    draft: Draft,
    name: str,
    fields: Mapping[str, Value],
    weights: npt.NDArray[np.int8],
    rows: int,
    longest: int,
    strip_bytes: Callable[[int], int],
) -> Sequence[Call] | None:
    """The call of `name` for a number of rows times weights of channels x depth, widened if that
    pays or must be; a strip has at most `longest` of the rows."""
    output = call.fields["output"]
    assert isinstance(output, Mapping)
    scaled = channel_scales(output, weights) if rows * weights.size else None
    if scaled is None:
        return None
    bias, scale = scaled
    uses = draft.runs(call) * rows
    wide = uses >= _WORTH_WIDENING and draft.spend_flash(weights.size, _FLASH_FOR_WIDENING)
    wide = wide or not _fit_in_bytes(weights, bias)
    channels, depth = weights.shape
    steps = -(-depth // _STEP)
    longest = min(longest, _STRIP_BYTES)
    strip = max(n for n in range(1, longest + 1) if n == 1 or strip_bytes(n) <= _STRIP_BYTES)
    product = {
        "stream": draft.constant(_stream(weights, bias, scale, wide=wide)),
        "channels": channels,
        "steps": steps,
        "low": output["low"],
        "high": output["high"],
    }
    function = f"{name}_{'w16' if wide else 'w8'}_dsp"
    # The last row is read up to a multiple of a step.
    buffer = draft.buffer(strip_bytes(strip) + 2 * _STEP)
    return [
        Call(
            f"dsp/{function}", function, f"{name}_dsp_params",
            {**fields, "strip": strip, "weights": product}, (*call.operands, buffer), call.output,
        )
    ]  # fmt: skip


def _fit_in_bytes(weights: npt.NDArray[np.int8], bias: npt.NDArray[np.int64]) -> bool:
    """Whether two channels' weights fit a half, and their sums are apart: see `mf_rows_dsp.h`."""
    reach = np.abs(bias) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    return bool(weights.min() > -128 and reach.max() < 1 << 23)


def _stream(
    weights: npt.NDArray[np.int8],
    bias: npt.NDArray[np.int64],
    scale: npt.NDArray[np.int64],
    *,
    wide: bool,
) -> npt.NDArray[np.int32]:
    """The weights and what their sums need, in the order in which the kernels read them."""
    channels, depth = weights.shape
    blocks, steps = -(-channels // _LANES), -(-depth // _STEP)
    rest = blocks * _LANES - channels
    padded = np.zeros((blocks * _LANES, steps * _STEP), np.int16)
    padded[:channels, :depth] = weights
    # Block, channel, four elements, and of these 0 and 2, then 1 and 3.
    quads = padded.reshape(blocks, _LANES, -1, 4)[..., [0, 2, 1, 3]]
    biases = np.pad(bias, (0, rest)).reshape(blocks, _LANES)
    if wide:
        quads, biases = 2 * quads, 2 * biases
    else:
        quads = quads[:, 0::2] + 256 * quads[:, 1::2]
        biases[:, 1::2] = biases[:, 0::2] + 256 * biases[:, 1::2]
    words = np.ascontiguousarray(quads.transpose(0, 2, 1, 3)).view(np.int32)
    parts: list[npt.NDArray[Any]] = [
        biases,
        words.reshape(blocks, -1),
        np.pad(scale, ((0, rest), (0, 0))).reshape(blocks, -1),
    ]
    return np.concatenate([part.astype(np.int32) for part in parts], axis=1)
