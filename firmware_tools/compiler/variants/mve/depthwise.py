"""DEPTHWISE_CONV_2D, and a CONV_2D that is one: every channel has a window and weights of its own.

Eight channels are worked on together, by pairs: `mf_channels_mve.c` has the arithmetic.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft, values_of
from firmware_tools.compiler.variants.mve.window import window

_CHANNELS = 8  # that are worked on together
_TAPS = 8  # of a round
_MOST_ROUNDS = 4


def depthwise_conv_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not with a channel multiplier."""
    n = window(call)
    if n is None or call.number("multiplier") > 1:
        return None
    names = ("kernel_height", "kernel_width", "in_channels")
    weights = values_of(call, "weights", tuple(call.number(name) for name in names))
    return channelwise(call, draft, n, weights, bias_zero_point=call.number("input_zero_point"))


def channelwise(
    call: Call,
    draft: Draft,
    n: Mapping[str, int],
    weights: npt.NDArray[np.int8],
    bias_zero_point: int,
) -> Sequence[Call] | None:
    """The call for a window and weights of kernel height x width x channels, or None: for few
    channels or an odd number, for many taps, where a scale is 1/2 or more, and where the sum of two
    channels' sums needs more than 32 bits.

    `bias_zero_point` is what the biases do not yet hold of the input's zero point.
    """
    height, width, channels = weights.shape
    row_bytes = ((n["out_width"] - 1) * n["stride_width"] + width) * channels
    taps = weights.reshape(-1, channels).astype(np.int64)
    one_more = len(taps) % _TAPS == 1
    rounds = len(taps) // _TAPS if one_more else -(-len(taps) // _TAPS)
    output = call.fields["output"]
    assert isinstance(output, Mapping)
    bias = output["bias"].values.astype(np.int64) - bias_zero_point * taps.sum(axis=0)
    reach = np.abs(bias) + 128 * np.abs(taps).sum(axis=0)
    if (
        channels < _CHANNELS
        or channels % 2
        or rounds > _MOST_ROUNDS
        or height * row_bytes >= 1 << 16
        or output["shift"].values.max() > -1
        or reach.max() >= 1 << 30
    ):
        return None
    # By the row of the ring that is the window's first.
    places = (np.arange(height)[:, None] + np.arange(height)) % height * row_bytes
    offsets = places[:, :, None] + np.arange(width) * channels
    missing = rounds * _TAPS + one_more - len(taps)
    offsets = np.pad(offsets.reshape(height, -1), ((0, 0), (0, missing)))
    stream = _stream(np.pad(taps, ((0, missing), (0, 0))), bias, output)
    fields = {
        "stream": draft.constant(stream),
        "stream_bytes": stream.nbytes,
        "offsets": draft.constant(offsets.astype(np.uint16)),
        "rounds": rounds,
        "one_more": int(one_more),
        "zero_point": output["zero_point"],
        "low": output["low"],
        "high": output["high"],
    }
    name = "mf_depthwise_conv_2d_mve"
    return [
        Call(
            f"mve/{name}", name, f"{name}_params",
            {"window": n, "channels": fields, "row_bytes": row_bytes},
            (*call.operands, draft.buffer(height * row_bytes)), call.output,
        )
    ]  # fmt: skip


def _stream(
    taps: npt.NDArray[np.int64], bias: npt.NDArray[np.int64], output: Mapping[str, Any]
) -> npt.NDArray[np.int32]:
    channels = taps.shape[1]
    firsts = [min(c, channels - _CHANNELS) for c in range(0, channels, _CHANNELS)]
    parts = []
    for first, following in zip(firsts, [*firsts[1:], channels], strict=True):
        own = slice(first, first + _CHANNELS)
        pairs = bias[own].reshape(-1, 2)
        whole = len(taps) // _TAPS * _TAPS
        # round, pair, tap, channel of the pair
        weights = taps[:whole, own].reshape(-1, _TAPS, _CHANNELS // 2, 2).transpose(0, 2, 1, 3)
        scaling = np.stack([output[name].values[own] for name in ("multiplier", "shift")])
        parts += [
            np.stack([pairs.sum(axis=1), pairs[:, 0] - pairs[:, 1]], axis=1),
            np.ascontiguousarray(weights, np.int8).ravel().view(np.int32),
            np.ascontiguousarray(taps[whole:, own], np.int16).ravel().view(np.int32),
            np.stack([scaling[:, 0::2], scaling[:, 1::2]]),
            np.array([following - first]),
        ]
    return np.concatenate([part.astype(np.int32).ravel() for part in parts])
