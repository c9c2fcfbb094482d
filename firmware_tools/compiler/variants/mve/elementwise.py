"""Element-wise operators: a vector of elements at a time."""

from collections.abc import Sequence
from dataclasses import replace

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft


def lookup(call: Call, draft: Draft) -> Sequence[Call] | None:
    return [replace(call, kernel="mve/mf_lookup_s8_mve", function="mf_lookup_s8_mve")]
