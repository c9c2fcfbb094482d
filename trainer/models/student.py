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

Every tensor that the deployed graph computes on passes a quantisation point
(`trainer.learn.grids`), which does nothing before `trainer.learn.tune` gives it a range. What only
moves values, a transposition or the stacking of modalities, keeps the grid of what it moves and has
no point.
"""

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from trainer.learn.grids import SOFTMAX, Points, weight_step
from trainer.models.segments import FIRST, SECOND, segments_of


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
    """A modality's samples (N, T, C) to its segments' tokens (N, segments, width).

    The tokens' grid is that of all modalities together, the student's.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = Normed(nn.Conv1d(channels, width // 2, *FIRST, bias=False))
        self.second = Normed(nn.Conv1d(width // 2, width, *SECOND, bias=False))
        self.grid = Points("samples", "hidden")

    def forward(self, x: Tensor) -> Tensor:
        grid = self.grid
        x = grid["samples"](x).transpose(-1, -2)
        hidden = torch.relu(self.first(x))
        x = grid["hidden"](hidden, grid["samples"].step, weight_step(self.first))
        return torch.relu(self.second(x)).transpose(-1, -2)

    def steps(self) -> Tensor | None:
        """What the tokens are sums of, (1, width); None off grids."""
        step, weights = self.grid["hidden"].step, weight_step(self.second)
        return None if step is None or weights is None else (step * weights).reshape(1, -1)


class Attention(nn.Module):
    """Attention over the last axis but one; see the module's docstring for the merged maps.

    `step` is that of the grid that the tokens are on, None off grids.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width, bias=False)
        self.value = linear(width, width)
        nn.init.normal_(self.key.weight, std=1 / width)
        self.grid = Points("key", "scores", "value", "attended", weights=SOFTMAX)

    def forward(self, x: Tensor, step: Tensor | None) -> Tensor:
        grid = self.grid
        keys = grid["key"](self.key(x), step, weight_step(self.key))
        scores = grid["scores"](x @ keys.transpose(-1, -2), step, grid["key"].step)
        weights = grid["weights"](torch.softmax(scores, -1))
        values = grid["value"](self.value(x), step, weight_step(self.value))
        attended: Tensor = grid["attended"](
            weights @ values, grid["weights"].step, grid["value"].step
        )
        return attended


class Block(nn.Module):
    """Attention over modalities within a segment, then over segments within a modality, then MLP.

    Tokens come in as (..., modalities, segments, width), on a grid of `step` or on none, and leave
    as they came.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = Attention(width)
        self.temporal = Attention(width)
        self.expand = linear(width, 2 * width)
        self.contract = linear(2 * width, width)
        self.grid = Points("after_spatial", "after_temporal", "expanded", "contracted", "tokens")

    def forward(self, x: Tensor, step: Tensor | None) -> Tensor:
        grid = self.grid
        x = grid["after_spatial"](x + self.spatial(x.transpose(-3, -2), step).transpose(-3, -2))
        x = grid["after_temporal"](x + self.temporal(x, grid["after_spatial"].step))
        # Flat, because the converter fuses a bias into a product of two axes only.
        y = torch.relu(self.expand(x.reshape(-1, x.shape[-1])))
        y = grid["expanded"](y, grid["after_temporal"].step, weight_step(self.expand))
        y = self.contract(y)
        y = grid["contracted"](y, grid["expanded"].step, weight_step(self.contract))
        tokens: Tensor = grid["tokens"](x + y.reshape(x.shape))
        return tokens


class _Core(nn.Module):
    """What the student and its deployed form share: everything between tokens and logits."""

    encoders: nn.ModuleList
    position: Tensor
    blocks: nn.ModuleList
    classifier: nn.Linear
    grid: Points

    def _mixed(self, encoded: Tensor) -> Tensor:
        """The encoders' tokens (..., modalities, segments, width) through position and blocks."""
        known = [cast(Encoder, encode).steps() for encode in self.encoders]
        steps = [step for step in known if step is not None]
        x = self.grid["encoded"](encoded, torch.stack(steps) if steps else None)
        x = self.grid["tokens"](x + self.position)
        step = self.grid["tokens"].step
        for block in cast("list[Block]", self.blocks):
            x = block(x, step)
            step = block.grid["tokens"].step
        return x

    def _pooled(self, mean: Tensor) -> Tensor:
        """The mean over the segments, on its grid."""
        parts: list[_Core | Block] = [self, *cast("list[Block]", self.blocks)]
        step = parts[-1].grid["tokens"].step
        pooled: Tensor = self.grid["pooled"](mean, step, terms=self.position.shape[1])
        return pooled

    def _answer(self, pooled: Tensor) -> Tensor:
        """What was pooled (N, modalities * width) to logits."""
        logits: Tensor = self.grid["logits"](
            self.classifier(pooled), self.grid["pooled"].step, weight_step(self.classifier)
        )
        return logits


class Student(_Core):
    """Windows of several modalities to class scores.

    Args:
        channels: channels of each input, in the model card's order.
        length: samples of a window, at least 20.
        classes: how many scores.
        width: of a token.
        blocks: spatial-temporal blocks.
        folded: without batch normalisation, as `fold` leaves it.
    """

    def __init__(
        self,
        channels: Sequence[int],
        length: int,
        classes: int,
        width: int = 32,
        blocks: int = 2,
        folded: bool = False,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(Encoder(c, width) for c in channels)
        self.position = nn.Parameter(torch.zeros(len(channels), segments_of(length), width))
        self.length = length
        self.width = width
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(len(channels) * width, classes)
        self.grid = Points("encoded", "tokens", "pooled", "logits")
        if folded:
            _fold_norms(self)

    def tokens(self, *inputs: Tensor) -> Tensor:
        """(N, modalities, segments, width): what distillation compares with the teacher's."""
        encoded = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        return self._mixed(torch.stack(encoded, -3))

    def classify(self, tokens: Tensor) -> Tensor:
        """Tokens (N, modalities, segments, width) to logits (N, classes)."""
        return self._answer(self.dropout(self._pooled(tokens.mean(-2)).flatten(-2)))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardised float32 (N, T, C) an input, in order, to logits (N, classes)."""
        return self.classify(self.tokens(*inputs))

    def fold(self) -> "Student":
        """A copy that computes the same at inference, without batch normalisation."""
        folded = copy.deepcopy(self)
        _fold_norms(folded)
        return folded

    def deploy(self) -> "DeployedStudent":
        """The same function of one window, without batch normalisation, ready for export."""
        return DeployedStudent(self)


class DeployedStudent(_Core):
    """A trained student for one window: inputs (1, T, C), logits (1, classes).

    The modalities take the place of the batch axis, so that tokens have three axes, not four:
    fewer layout changes in the exported graph.
    """

    def __init__(self, student: Student) -> None:
        super().__init__()
        student = student.fold()
        self.encoders = student.encoders
        self.position = student.position
        self.blocks = student.blocks
        self.classifier = student.classifier
        self.grid = student.grid
        self.eval()
        self.requires_grad_(False)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardised float32 (1, T, C) an input, in order, to logits (1, classes)."""
        encoded = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        tokens = self._mixed(torch.cat(encoded))
        return self._answer(self._pooled(tokens.mean(1)).reshape(1, -1))


def _fold_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, Normed):
            setattr(module, name, child.folded())
        else:
            _fold_norms(child)
