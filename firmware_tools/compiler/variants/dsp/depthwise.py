"""DEPTHWISE_CONV_2D, and a CONV_2D that is one: every channel has a window and weights of its own.

Two rows of outputs are made together, from rows of inputs paired in words: see `mf_pairs_dsp.c`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call, Value
from firmware_tools.compiler.variants.draft import Draft, values_of
from firmware_tools.compiler.variants.dsp.scale import channel_scales

_LANES = 4  # channels that are worked on together
_STEP = 6  # words of a window between two looks at the loop's counter


def depthwise_conv_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not with a channel multiplier."""
    if call.number("multiplier") > 1:
        return None
    names = ("kernel_height", "kernel_width", "in_channels")
    weights = values_of(call, "weights", tuple(call.number(name) for name in names))
    return windows(call, draft, weights, call.number("input_zero_point"))


def windows(
    call: Call, draft: Draft, weights: npt.NDArray[np.int8], bias_zero_point: int
) -> Sequence[Call] | None:
    """The call for weights of kernel height x width x channels, or None: with dilation, with fewer
    channels than a word has bytes, and for what `channel_scales` says.

    `bias_zero_point` is what the biases do not yet hold of the input's zero point.
    """
    channels = weights.shape[2]
    dilated = call.number("dilation_height") > 1 or call.number("dilation_width") > 1
    output = call.fields["output"]
    assert isinstance(output, Mapping)
    y, x = _axis(call, "height", channels), _axis(call, "width", channels)
    outputs = call.number("batches") * y["outputs"] * x["outputs"]
    if dilated or channels < _LANES or not outputs * weights.size:
        return None
    if x["kernel"] > y["kernel"]:  # less of a longer column is lost to odd lengths
        y, x, weights = x, y, weights.transpose(1, 0, 2)
    scaled = channel_scales(output, weights.reshape(-1, channels).T, bias_zero_point)
    if scaled is None:
        return None
    fields: dict[str, Value] = {
        "batches": call.number("batches"),
        "channels": channels,
        "y": y,
        "x": x,
        "input_zero_point": call.number("input_zero_point"),
        "low": output["low"],
        "high": output["high"],
    }
    moves = (y["stride"], x["stride"])
    if weights.shape[:2] == (3, 3) and moves == (1, 1) and y["outputs"] > 1:
        stream = _blocks(_lines_3x3(weights, *scaled))
        name, plane_words = "mf_depthwise_3x3_dsp", 2 * (x["outputs"] + 2)
        rest = 0
    else:
        # How far the output below is from the one above, in inputs.
        below = y["stride"] if y["outputs"] > 1 else 0
        pairs = -(-(y["kernel"] + below) // 2)
        stream = _blocks(_lines(weights, *scaled, below, pairs))
        name = "mf_depthwise_conv_2d_dsp"
        plane_words = pairs * ((x["outputs"] - 1) * x["stride"] + x["kernel"])
        sixes = -(-pairs * x["kernel"] // _STEP)
        rest = _STEP * sixes - pairs * x["kernel"]  # read behind the last window
        fields |= {"pairs": pairs, "sixes": sixes, "plane_words": plane_words}
    fields |= {"block_words": stream.shape[1], "stream": draft.constant(stream)}
    planes = draft.buffer(4 * (_LANES * plane_words + rest))
    operands = (*call.operands, planes)
    return [Call(f"dsp/{name}", name, f"{name}_params", fields, operands, call.output)]


def _axis(call: Call, name: str, channels: int) -> dict[str, int]:
    beside = {"height": "width", "width": ""}[name]
    return {
        "inputs": call.number(f"in_{name}"),
        "input_bytes": channels * (call.number(f"in_{beside}") if beside else 1),
        "outputs": call.number(f"out_{name}"),
        "output_bytes": channels * (call.number(f"out_{beside}") if beside else 1),
        "kernel": call.number(f"kernel_{name}"),
        "stride": call.number(f"stride_{name}"),
        "pad": call.number({"height": "pad_top", "width": "pad_left"}[name]),
    }


def _lines(
    weights: npt.NDArray[np.int8],
    bias: npt.NDArray[np.int64],
    scale: npt.NDArray[np.int64],
    below: int,
    pairs: int,
) -> npt.NDArray[np.int32]:
    """What `mf_pairs_dsp.c` reads for each channel."""
    height, width, channels = weights.shape
    rows = np.zeros((2, 2 * pairs, width, channels), np.int16)  # for the outputs above and below
    for which, first in enumerate((0, below)):
        rows[which, first : first + height] = 2 * weights.astype(np.int16)
    # channel, column, pair, output, half
    halves = rows.reshape(2, pairs, 2, width, channels).transpose(4, 3, 1, 0, 2)
    words = np.ascontiguousarray(halves).view(np.int32).reshape(channels, -1)
    words = np.pad(words, ((0, 0), (0, -words.shape[1] % (2 * _STEP))))
    return _joined(2 * bias[:, None], 2 * bias[:, None], words, scale)


def _lines_3x3(
    weights: npt.NDArray[np.int8], bias: npt.NDArray[np.int64], scale: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """What `mf_pairs_3x3_dsp.c` reads for each channel."""
    halves = 2 * weights[[0, 1, 1, 2]].astype(np.int16).transpose(2, 1, 0)
    words = np.ascontiguousarray(halves).view(np.int32).reshape(len(bias), -1)
    return _joined(words, scale, 2 * bias[:, None], 2 * bias[:, None])


def _joined(*parts: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.concatenate([part.astype(np.int32) for part in parts], axis=1)


def _blocks(lines: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Lines of a channel in blocks of four channels; the last ones may be there twice."""
    channels = len(lines)
    firsts = [min(c, channels - _LANES) for c in range(0, channels, _LANES)]
    return np.stack([lines[first : first + _LANES] for first in firsts]).reshape(len(firsts), -1)
