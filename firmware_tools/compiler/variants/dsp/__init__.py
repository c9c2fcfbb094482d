"""Variants for the DSP extension: Cortex-M4, M7, M33."""

from collections.abc import Callable, Mapping, Sequence

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.dsp import dense, depthwise, elementwise, pooling
from firmware_tools.compiler.variants.dsp.product import attention, batch_matmul
from firmware_tools.compiler.variants.dsp.reduction import sum_
from firmware_tools.compiler.variants.dsp.softmax import softmax

__all__ = ["VARIANTS", "attention"]

VARIANTS: Mapping[str, Callable[[Call, Draft], Sequence[Call] | None]] = {
    "mf_add_s8": elementwise.add,
    "mf_average_pool_2d_s8": pooling.average_pool_2d,
    "mf_batch_matmul_s8": batch_matmul,
    "mf_conv_2d_s8": dense.conv_2d,
    "mf_depthwise_conv_2d_s8": depthwise.depthwise_conv_2d,
    "mf_fully_connected_s8": dense.fully_connected,
    "mf_max_pool_2d_s8": pooling.max_pool_2d,
    "mf_mul_s8": elementwise.mul,
    "mf_softmax_s8": softmax,
    "mf_squared_difference_s8": elementwise.squared_difference,
    "mf_sub_s8": elementwise.sub,
    "mf_sum_s8": sum_,
}
