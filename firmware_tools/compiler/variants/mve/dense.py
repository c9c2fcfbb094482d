"""FULLY_CONNECTED and CONV_2D: rows of activations times constant weights, by VMLADAVA.

A convolution whose windows are evenly spaced runs of its input is rows of activations as it is; of
others the input is gathered into strips of which that is true.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call, Value
from firmware_tools.compiler.variants.draft import Draft, values_of
from firmware_tools.compiler.variants.mve.depthwise import channelwise
from firmware_tools.compiler.variants.mve.window import window

LANES = 4  # channels that are worked on together
_SHORT = 16  # inputs of which a vector holds all
_MANY_ROWS = 4
_STRIP_BYTES = 1024  # what a strip takes of the arena, at most, if more than one window fits


def fully_connected(call: Call, draft: Draft) -> Sequence[Call] | None:
    rows, depth = call.number("rows"), call.number("depth")
    weights = _weights(call, draft, call.number("channels"), depth)
    if weights is None or rows == 0:
        return None
    return [_rows(call, weights, rows, depth, call.number("output_row_stride"))]


def conv_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not with groups, unless each has one channel, nor with dilation."""
    n, channels, group = window(call), call.number("out_channels"), call.number("group_channels")
    if n is None:
        return None
    if n["in_channels"] == channels > group == 1:
        own = values_of(call, "weights", (channels, n["kernel_height"], n["kernel_width"]))
        return channelwise(call, draft, n, own.transpose(1, 2, 0), bias_zero_point=0)
    column = n["kernel_height"] * n["in_channels"]
    weights = _weights(call, draft, channels, n["kernel_width"] * column)
    if group != n["in_channels"] or weights is None:
        return None
    if _evenly_spaced(n):
        pixels = n["batches"] * n["out_height"] * n["out_width"]
        return [_rows(call, weights, pixels, n["stride_width"] * n["in_channels"], channels)]
    shape = (channels, n["kernel_height"], n["kernel_width"], n["in_channels"])
    turned = values_of(call, "weights", shape).transpose(0, 2, 1, 3)
    weights["weights"] = draft.constant(np.ascontiguousarray(turned))
    fitting = (_STRIP_BYTES // column - n["kernel_width"]) // n["stride_width"] + 1
    pixels = min(max(fitting, 1), n["out_width"])
    width = (pixels - 1) * n["stride_width"] + n["kernel_width"]
    return [
        Call(
            "mve/mf_conv_2d_mve", "mf_conv_2d_mve", "mf_conv_2d_mve_params",
            {"window": n, "strip_pixels": pixels, "weights": weights},
            (*call.operands, draft.buffer(width * column)), call.output,
        )
    ]  # fmt: skip


def _evenly_spaced(n: Mapping[str, int]) -> bool:
    """Whether all windows are runs of the input that begin `stride_width` pixels apart."""
    inside = (
        n["pad_top"] == n["pad_left"] == 0
        and (n["out_width"] - 1) * n["stride_width"] + n["kernel_width"] <= n["in_width"]
        and (n["out_height"] - 1) * n["stride_height"] + n["kernel_height"] <= n["in_height"]
    )
    pixelwise = (
        n["kernel_height"] == n["kernel_width"] == n["stride_height"] == n["stride_width"] == 1
    )
    one_row = n["batches"] == n["out_height"] == n["kernel_height"] == 1
    return inside and (pixelwise or one_row)


def _rows(
    call: Call, weights: Mapping[str, Any], rows: int, input_stride: int, output_stride: int
) -> Call:
    fields: dict[str, Value] = {
        "rows": rows,
        "input_row_stride": input_stride,
        "output_row_stride": output_stride,
        "weights": weights,
    }
    short = weights["depth"] <= _SHORT and rows >= _MANY_ROWS
    function = "mf_fully_connected_short_mve" if short else "mf_fully_connected_mve"
    struct = "mf_fully_connected_mve_params"
    return Call(f"mve/{function}", function, struct, fields, call.operands, call.output)


def _weights(call: Call, draft: Draft, channels: int, depth: int) -> dict[str, Any] | None:
    """The `mf_mve_weights`; not of fewer channels than are worked on together, nor where a
    channel's scale is 1/2 or more, for which the kernel's rounding would be wrong."""
    output = call.fields["output"]
    assert isinstance(output, Mapping)
    if channels < LANES or output["shift"].values.max() > -1:
        return None
    return {
        "weights": call.fields["weights"],
        "scaling": draft.constant(_scaling(output, channels)),
        "channels": channels,
        "depth": depth,
        "stride": depth,
        "zero_point": output["zero_point"],
        "low": output["low"],
        "high": output["high"],
    }


def _scaling(output: Mapping[str, Any], channels: int) -> npt.NDArray[np.int32]:
    """Biases, multipliers and shifts for every four channels, and for the last four."""
    columns = np.stack([output[name].values for name in ("bias", "multiplier", "shift")])
    starts = [*range(0, channels - LANES + 1, LANES)]
    starts += [channels - LANES] if channels % LANES else []
    blocks = [columns[:, at : at + LANES] for at in starts]
    return np.stack(blocks).astype(np.int32)
