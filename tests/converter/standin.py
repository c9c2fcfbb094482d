"""A small two-input transformer of the student's kind, built from nothing but a fixed seed.

It is given to the converter as `standin.py:two_sensors`, the way a user gives a model of their own.
"""

import torch
from torch import Tensor, nn

WIDTH, TOKENS, CLASSES = 32, 16, 7


class Attention(nn.Module):
    """Single-head softmax attention over (N, tokens, width) with a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.scale = width**-0.5

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) * self.scale @ self.key(x).transpose(1, 2)
        return x + scores.softmax(-1) @ self.value(x)


class TwoSensors(nn.Module):
    """Accelerometer and gyroscope windows (N, 128, 3) to logits (N, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.ModuleList(nn.Conv1d(3, WIDTH, 8, stride=8) for _ in range(2))
        self.attention = Attention(WIDTH)
        self.expand = nn.Linear(WIDTH, 2 * WIDTH)
        self.reduce = nn.Linear(2 * WIDTH, WIDTH)
        self.classify = nn.Linear(WIDTH, CLASSES)

    def forward(self, acc: Tensor, gyro: Tensor) -> Tensor:
        tokens = [
            embed(x.transpose(1, 2)).transpose(1, 2)
            for embed, x in zip(self.embed, (acc, gyro), strict=True)
        ]
        x = self.attention(torch.cat(tokens, dim=1))
        x = x + self.reduce(self.expand(x).relu())
        logits: Tensor = self.classify(x.mean(dim=1))
        return logits


def two_sensors() -> nn.Module:
    """The module the tests convert; always the same weights."""
    torch.manual_seed(7)
    return TwoSensors().eval()
