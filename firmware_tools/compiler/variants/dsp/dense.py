"""FULLY_CONNECTED and CONV_2D: rows of activations times constant weights, by SMLAD.

Both become a row of 16-bit activations (of a convolution: one window) times the weights, which lie
in flash as one stream in the order in which `mf_row_dsp.c` reads them: for every four channels four
biases, the weights, and four times multiplier, offset and shift. Weights are widened to 16 bits,
doubled to save the kernel a shift, as long as the budget lasts; others stay bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft, values_of
from firmware_tools.compiler.variants.dsp import depthwise
from firmware_tools.compiler.variants.dsp.scale import channel_scales

_LANES = 4  # channels that are worked on together
_STEP = 8  # elements of a row between two looks at the loop's counter
# Widening pays by the number of times that a weight is used, which is why the most used come first.
_FLASH_FOR_WIDENING = 16 * 1024
_WORTH_WIDENING = 8

# The parameters that stay as they are.
_KEPT = (
    "rows", "depth", "output_row_stride",
    "batches", "in_height", "in_width", "in_channels", "out_height", "out_width",
    "kernel_height", "kernel_width", "stride_height", "stride_width", "pad_top", "pad_left",
    "input_zero_point",
)  # fmt: skip


def fully_connected(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not for sums of 30 bits, nor for a channel whose scale grows (see `_stream`)."""
    rows, depth, channels = (call.number(name) for name in ("rows", "depth", "channels"))
    weights = values_of(call, "weights", (channels, depth))
    return _product(call, draft, weights, "mf_fully_connected", uses=draft.runs(call) * rows)


def conv_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not with dilation either, as a window's rows are runs of the input; nor with groups, unless
    each is one channel that gives one."""
    names = ("out_channels", "kernel_height", "kernel_width", "group_channels")
    channels, height, width, depth = (call.number(name) for name in names)
    grouped = depth != call.number("in_channels")
    if grouped and depth == call.number("filters_per_group") == 1:
        weights = values_of(call, "weights", (channels, height, width))
        return depthwise.windows(call, draft, weights.transpose(1, 2, 0), 0)
    if grouped or call.number("dilation_height") > 1 or call.number("dilation_width") > 1:
        return None
    weights = values_of(call, "weights", (channels, height, width * depth))
    # Each row of the window begins at a word of the buffer.
    weights = np.pad(weights, ((0, 0), (0, 0), (0, -width * depth % 4))).reshape(channels, -1)
    pixels = call.number("out_height") * call.number("out_width") * call.number("batches")
    return _product(call, draft, weights, "mf_conv_2d", uses=draft.runs(call) * pixels)


def _product(
    call: Call,
    draft: Draft,
    weights: npt.NDArray[np.int8],
    name: str,
    *,
    uses: int,
) -> Sequence[Call] | None:
    """The call of `name` on weights of channels x depth, widened if that pays."""
    output = call.fields["output"]
    assert isinstance(output, Mapping)
    wide = uses >= _WORTH_WIDENING and draft.spend_flash(weights.size, _FLASH_FOR_WIDENING)
    stream = _stream(weights, output, wide=wide)
    if stream is None:
        return None
    channels = len(weights)
    steps = -(-weights.shape[1] // _STEP)
    kept = {k: v for k, v in call.fields.items() if k in _KEPT}
    fields = kept | {
        "weights": {
            "stream": draft.constant(stream),
            "channels": channels,
            "steps": steps,
            "low": output["low"],
            "high": output["high"],
        }
    }
    suffix = "w16_dsp" if wide else "w8_dsp"
    row = draft.buffer(2 * _STEP * steps)
    return [
        Call(
            f"dsp/{name}_{suffix}", f"{name}_{suffix}", f"{name}_dsp_params", fields,
            (*call.operands, row), call.output,
        )
    ]  # fmt: skip


def _stream(
    weights: npt.NDArray[np.int8], output: Mapping[str, Any], *, wide: bool
) -> npt.NDArray[np.int32] | None:
    """The weights and what their sums need, as the kernel reads them; None where that is wrong."""
    scaled = channel_scales(output, weights)
    if scaled is None:
        return None
    bias, scale = scaled
    channels, depth = weights.shape
    blocks, steps = -(-channels // _LANES), -(-depth // _STEP)
    padded = np.zeros((blocks * _LANES, steps * _STEP), np.int8)
    padded[:channels, :depth] = weights
    rest = blocks * _LANES - channels
    # block, channel, step of four, element
    quads = padded.reshape(blocks, _LANES, -1, 4).transpose(0, 2, 1, 3)
    if wide:  # elements 0 and 2, then 1 and 3, as SXTB16 leaves those of a word of activations
        halves = np.ascontiguousarray(quads[..., [0, 2, 1, 3]]).astype(np.int16)
        words = (2 * halves).view(np.int32)
        bias = 2 * bias
    else:
        words = np.ascontiguousarray(quads).view(np.int32)
    parts: list[npt.NDArray[Any]] = [
        np.pad(bias, (0, rest)).reshape(blocks, -1),
        words.reshape(blocks, -1),
        np.pad(scale, ((0, rest), (0, 0))).reshape(blocks, -1),
    ]
    return np.concatenate([part.astype(np.int32) for part in parts], axis=1)
