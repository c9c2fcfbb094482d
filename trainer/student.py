"""The student: lite spatial-temporal blocks made for int8, without the teacher's mid-fusion.

After "distilled mid-fusion transformer" (arXiv:2305.03810); the dimensions are ours. What makes it
cheap and exact on a microcontroller:

- Few tokens: 14 overlapping time segments of each modality, all of one width, from two
  convolutions without padding (the converter would make an op of it).
- Attention with one head and merged maps. For one head, scores = (x Wq)(x Wk)' = x (x Wk Wq')', so
  the queries are the tokens themselves, and the value and output maps are one map. The
  1/sqrt(width) is inside the key map. (A key bias adds the same to all scores of a row, and softmax
  does not see it.)
- Batch normalisation after every convolution and every branch's linear map, folded into it by
  `deploy`. It folds through attention too: the rows of softmax add up to 1, so normalising the
  values normalises the result.
- ReLU; no LayerNorm, no GELU.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainer.segments import FIRST, SECOND, segments_of


class Normed(nn.Module):
    """A linear map on the last axis, or a convolution, and batch normalisation of its result."""

    def __init__(self, layer: nn.Linear | nn.Conv1d) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.BatchNorm1d(len(layer.weight))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        if isinstance(self.layer, nn.Conv1d):
            return self.norm(y)
        return self.norm(y.reshape(-1, y.shape[-1])).reshape(y.shape)

    def folded(self) -> nn.Linear | nn.Conv1d:
        """The same at inference as one layer: g (W x - mean) / sqrt(var + eps) + b."""
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        layer = copy.deepcopy(self.layer)
        weight = layer.weight * gain.reshape(-1, *[1] * (layer.weight.ndim - 1))
        layer.weight = nn.Parameter(weight.detach())
        layer.bias = nn.Parameter((norm.bias - norm.running_mean * gain).detach())
        return layer


def linear(inputs: int, outputs: int) -> Normed:
    return Normed(nn.Linear(inputs, outputs, bias=False))


class Encoder(nn.Module):
    """A modality's samples (N, T, C) to its segments' tokens (N, segments, width)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = Normed(nn.Conv1d(channels, width // 2, *FIRST, bias=False))
        self.second = Normed(nn.Conv1d(width // 2, width, *SECOND, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x.transpose(-1, -2)))
        return torch.relu(self.second(x)).transpose(-1, -2)


class Attention(nn.Module):
    """Attention over the last axis but one; see the module's docstring for the merged maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width, bias=False)
        self.value = linear(width, width)
        nn.init.normal_(self.key.weight, std=1 / width)

    def forward(self, x: Tensor) -> Tensor:
        scores = x @ self.key(x).transpose(-1, -2)
        return torch.softmax(scores, -1) @ self.value(x)


class Block(nn.Module):
    """Attention over modalities within a segment, then over segments within a modality, then MLP.

    Tokens come in as (..., modalities, segments, width) and leave as they came.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = Attention(width)
        self.temporal = Attention(width)
        self.expand = linear(width, 2 * width)
        self.contract = linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.spatial(x.transpose(-3, -2)).transpose(-3, -2)
        x = x + self.temporal(x)
        # Flat, because the converter fuses a bias into a product of two axes only.
        hidden = torch.relu(self.expand(x.reshape(-1, x.shape[-1])))
        return x + self.contract(hidden).reshape(x.shape)


class Student(nn.Module):
    """Windows of several modalities to class scores.

    Args:
        channels: channels of each input, in the model card's order.
        length: samples of a window, at least 20.
        classes: how many scores.
        width: of a token.
        blocks: spatial-temporal blocks.
    """

    def __init__(
        self,
        channels: Sequence[int],
        length: int,
        classes: int,
        width: int = 32,
        blocks: int = 2,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(Encoder(c, width) for c in channels)
        self.position = nn.Parameter(torch.zeros(len(channels), segments_of(length), width))
        self.length = length
        self.width = width
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(len(channels) * width, classes)

    def tokens(self, *inputs: Tensor) -> Tensor:
        """(N, modalities, segments, width): what distillation compares with the teacher's."""
        encoded = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        x = torch.stack(encoded, -3) + self.position
        for block in self.blocks:
            x = block(x)
        return x

    def classify(self, tokens: Tensor) -> Tensor:
        """Tokens (N, modalities, segments, width) to logits (N, classes)."""
        return self.classifier(self.dropout(tokens.mean(-2).flatten(-2)))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardised float32 (N, T, C) an input, in order, to logits (N, classes)."""
        return self.classify(self.tokens(*inputs))

    def deploy(self) -> "DeployedStudent":
        """The same function of one window, without batch normalisation, ready for export."""
        return DeployedStudent(self)


class DeployedStudent(nn.Module):
    """A trained student for one window: inputs (1, T, C), logits (1, classes).

    The modalities take the place of the batch axis, so that tokens have three axes, not four:
    fewer layout changes in the exported graph.
    """

    def __init__(self, student: Student) -> None:
        super().__init__()
        student = copy.deepcopy(student)
        _fold_norms(student)
        self.encoders = student.encoders
        self.position = student.position
        self.blocks = student.blocks
        self.classifier = student.classifier
        self.eval()
        self.requires_grad_(False)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardised float32 (1, T, C) an input, in order, to logits (1, classes)."""
        encoded = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        x = torch.cat(encoded) + self.position
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.classifier(x.mean(1).reshape(1, -1))
        return logits


def _fold_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, Normed):
            setattr(module, name, child.folded())
        else:
            _fold_norms(child)
