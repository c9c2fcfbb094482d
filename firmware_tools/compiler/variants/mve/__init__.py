"""Variants for MVE: Cortex-M55."""

from collections.abc import Callable, Mapping, Sequence

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.mve import dense

VARIANTS: Mapping[str, Callable[[Call, Draft], Sequence[Call] | None]] = {
    "mf_conv_2d_s8": dense.conv_2d,
    "mf_fully_connected_s8": dense.fully_connected,
}
