"""One small network over (N, 64, 3) windows, healthy or broken for int8 in one place on purpose.

Each factory is given to the converter as `broken.py:factory`.
"""

import math

import torch
from torch import Tensor, nn

WIDTH, CLASSES, LENGTH = 16, 5, 64


class Attention(nn.Module):
    """Softmax attention over (N, tokens, width). `shift` moves all keys, so that all logits of a
    query move by the same amount, which softmax does not see."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        key = self.key(x)
        if self.shift:
            key = key + self.shift
        logits = self.query(x) @ key.transpose(1, 2)
        return logits.softmax(-1) @ self.value(x)


class Network(nn.Module):
    """Convolutions, a sigmoid gate, a LayerNorm, attention, a classifier.

    The four arguments break one place each; their defaults break none.
    """

    def __init__(
        self,
        channel_gain: float = 1.0,
        gate_bias: float = 0.0,
        norm_offset: float = 0.0,
        key_shift: float = 0.0,
    ) -> None:
        super().__init__()
        torch.manual_seed(11)
        self.gate_bias, self.norm_offset = gate_bias, norm_offset
        self.stem = nn.Conv1d(3, WIDTH, 8, stride=4)
        self.mix = nn.Conv1d(WIDTH, WIDTH, 1)
        self.gate = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = Attention(key_shift)
        self.classify = nn.Linear(WIDTH, CLASSES)
        with torch.no_grad():
            assert self.stem.bias is not None
            self.stem.weight[5] *= channel_gain
            self.stem.bias[5] *= channel_gain
            self.mix.weight[:, 5] /= channel_gain

    def forward(self, acc: Tensor) -> Tensor:
        x = self.mix(self.stem(acc.transpose(1, 2)).relu()).transpose(1, 2)
        x = x + torch.sigmoid(self.gate(x) - self.gate_bias) * math.exp(self.gate_bias)
        if self.norm_offset:
            x = 0.03 * x + self.norm_offset
        x = self.norm(x)
        x = x + self.attention(x)
        logits: Tensor = self.classify(x.mean(dim=1))
        return logits


def healthy() -> nn.Module:
    return Network().eval()


def outlier_channel() -> nn.Module:
    """Channel 5 of the stem is 300 times as large, and the next layer takes it back."""
    return Network(channel_gain=300.0).eval()


def outlier_weights() -> nn.Module:
    """Channel 5 of the stem is 300 times smaller, and every row of the next layer's weights has
    one that makes up for it."""
    return Network(channel_gain=1 / 300).eval()


def saturating() -> nn.Module:
    """The gate's sigmoid is driven to its end, and what it gives there is made large again."""
    return Network(gate_bias=7.0).eval()


def tiny_variance() -> nn.Module:
    """What reaches the LayerNorm is an offset with a ripple a few hundred times smaller on it."""
    return Network(norm_offset=10.0).eval()


def huge_logits() -> nn.Module:
    """The attention's logits reach hundreds, and what tells them apart is a few."""
    return Network(key_shift=100.0).eval()
