"""Windows that slide over an image; mf_strip_mve.h has the strips they are read from."""

from collections.abc import Mapping
from dataclasses import dataclass

from firmware_tools.compiler.program import Call, Value
from firmware_tools.compiler.variants.draft import Draft

_STRIP_BYTES = 1024  # what a strip takes of the arena, at most, if more than one window fits
_NAMES = (
    "batches", "in_height", "in_width", "in_channels", "out_height", "out_width",
    "kernel_height", "kernel_width", "stride_height", "stride_width", "pad_top", "pad_left",
    "input_zero_point",
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """The fields of an `mf_mve_window`."""

    numbers: Mapping[str, int]

    @classmethod
    def of(cls, call: Call, out_channels: int) -> "Window | None":
        """A convolution's; None with dilation, and where there is nothing to do."""
        numbers = {name: call.number(name) for name in _NAMES} | {"out_channels": out_channels}
        dilated = call.number("dilation_height") > 1 or call.number("dilation_width") > 1
        outputs = numbers["batches"] * numbers["out_height"] * numbers["out_width"]
        return None if dilated or not outputs else cls(numbers)

    @property
    def column(self) -> int:
        """The bytes of a column of a strip."""
        return self.numbers["kernel_height"] * self.numbers["in_channels"]

    @property
    def bytes(self) -> int:
        """The bytes of a window."""
        return self.numbers["kernel_width"] * self.column

    def call(self, call: Call, draft: Draft, function: str, fields: Mapping[str, Value]) -> Call:
        """The kernel in a call's place, with memory for a strip."""
        n = self.numbers
        fitting = (_STRIP_BYTES // self.column - n["kernel_width"]) // n["stride_width"] + 1
        pixels = min(max(fitting, 1), n["out_width"])
        width = (pixels - 1) * n["stride_width"] + n["kernel_width"]
        return Call(
            f"mve/{function}", function, f"{function}_params",
            {"window": {**n, "strip_pixels": pixels}, **fields},
            (*call.operands, draft.buffer(width * self.column)), call.output,
        )  # fmt: skip
