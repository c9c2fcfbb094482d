"""Windows that slide over an image."""

from firmware_tools.compiler.program import Call

_NAMES = (
    "batches", "in_height", "in_width", "in_channels", "out_height", "out_width",
    "kernel_height", "kernel_width", "stride_height", "stride_width", "pad_top", "pad_left",
    "input_zero_point",
)  # fmt: skip


def window(call: Call) -> dict[str, int] | None:
    """A convolution's `mf_mve_window`; None with dilation, and where there is nothing to do."""
    fields = {name: call.number(name) for name in _NAMES}
    dilated = call.number("dilation_height") > 1 or call.number("dilation_width") > 1
    outputs = fields["batches"] * fields["out_height"] * fields["out_width"]
    return None if dilated or not outputs else fields
