"""MAX_POOL_2D and AVERAGE_POOL_2D, four channels at a time."""

from collections.abc import Sequence
from dataclasses import replace

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft

_FEWEST_CHANNELS = 4
_MOST_TAPS = 255  # whose sum fits 16 bits


def max_pool_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    return _pool(call)


def average_pool_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not for large windows."""
    taps = call.number("filter_height") * call.number("filter_width")
    return _pool(call) if taps <= _MOST_TAPS else None


def _pool(call: Call) -> list[Call] | None:
    """Not for a few channels, nor where a clamp may show."""
    clamps = (call.number("low"), call.number("high")) != (-128, 127)
    if clamps or call.number("channels") < _FEWEST_CHANNELS:
        return None
    name = f"{call.function}_dsp"
    return [replace(call, kernel=f"dsp/{name}", function=name)]
