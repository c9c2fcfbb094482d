"""Multiply-accumulates of a network for one window, counted without computing any."""

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def network_macs(model: nn.Module, channels: Sequence[int], length: int) -> int:
    """Of products and convolutions of one window (1, length, C) an input; nothing else counts.

    As `midfuse.core.macs` counts a `.tflite`. On torch's meta device, because there attention and
    LSTM are products of matrices, which the counter knows; elsewhere they are kernels it counts
    as 0.
    """
    model = copy.deepcopy(model).to("meta").eval()
    inputs = [torch.empty(1, length, c, device="meta") for c in channels]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    return counter.get_total_flops() // 2
