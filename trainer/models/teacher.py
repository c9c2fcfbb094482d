"""The teacher: a mid-fusion transformer over several modalities.

After "distilled mid-fusion transformer" (arXiv:2305.03810), of which only the abstract was at
hand: the dimensions and details are ours. Three parts, from windows (N, T, C_m) of M modalities:

    encoders        each modality to its unified representation: S segments of one width D
                    (N, T, C_m) -> (N, S, D), stacked to tokens (N, M, S, D)
    blocks          attention factorised into space and time: every token sees its segment in
                    all modalities, then its modality in all segments
                    spatial   N x S sets of M tokens      m1 s1 s2 s3      m1 <- s1 s2 s3 ->
                    temporal  N x M sets of S tokens      m2 |  |  |       m2 <- s1 s2 s3 ->
    mid-fusion      a segment's M tokens merged into one, (N, M, S, D) -> (N, S, D); temporal
                    attention over them; pooled by attention to one feature (N, D), classified

A modality of joints has a spatial attention of its own: N x S sets of its J joints' tokens, which
are then merged into the modality's token.
"""

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from trainer.models.segments import FIRST, SECOND, segments_of


class Encoder(nn.Module):
    """A modality's samples (N, T, C) to its part of the unified representation (N, S, width)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, width, *FIRST),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, *SECOND),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        encoded: Tensor = self.layers(x.transpose(1, 2))
        return encoded.transpose(1, 2)


class Attention(nn.Module):
    """x + multi-head self-attention over the second axis of (B, tokens, width), pre-normed."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        return x + self.dropout(self.attention(y, y, y, need_weights=False)[0])


class JointEncoder(nn.Module):
    """Joints (N, T, 3 J) to (N, segments, width): each joint encoded alike, then attention over
    the joints within a segment, and one token of them all.

    A joint's token is half as wide, because there are many. They are merged and not averaged, which
    would lose which joint is where: with two of UTD-MHAD's training subjects held out in turn, a
    teacher was right on 94.4 % of their clips instead of 91.6 %.
    """

    def __init__(self, joints: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.joints = joints
        narrow = width // 2
        self.encoder = Encoder(3, narrow)
        self.place = nn.Parameter(0.02 * torch.randn(joints, 1, narrow))
        self.spatial = Attention(narrow, heads, dropout)
        self.merge = nn.Linear(joints * narrow, width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, _ = x.shape
        apart = x.reshape(n, t, self.joints, 3).transpose(1, 2).reshape(n * self.joints, t, 3)
        encoded: Tensor = self.encoder(apart)
        tokens = encoded.reshape(n, self.joints, *encoded.shape[1:]) + self.place
        s, d = tokens.shape[2:]
        mixed = self.spatial(tokens.transpose(1, 2).reshape(n * s, self.joints, d))
        merged: Tensor = self.merge(mixed.flatten(1))
        return merged.reshape(n, s, -1)


class FeedForward(nn.Module):
    """x + MLP(x), pre-normed."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class SpatialTemporalBlock(nn.Module):
    """Spatial attention over modalities within a segment, temporal over segments within a modality.

    Tokens (N, modalities, segments, width) in and out.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.spatial = Attention(width, heads, dropout)
        self.temporal = Attention(width, heads, dropout)
        self.feed_forward = FeedForward(width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        n, m, s, d = x.shape
        x = x.transpose(1, 2).reshape(n * s, m, d)
        x = self.spatial(x).reshape(n, s, m, d).transpose(1, 2).reshape(n * m, s, d)
        return self.feed_forward(self.temporal(x)).reshape(n, m, s, d)


class TemporalMidFusion(nn.Module):
    """Fuses the modalities' temporal features: tokens (N, M, S, width) to one feature (N, width).

    Each segment's tokens are merged into one, a temporal block relates the merged segments, and
    attention pooling weighs them.
    """

    def __init__(self, modalities: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(modalities * width)
        self.merge = nn.Linear(modalities * width, width)
        self.temporal = Attention(width, heads, dropout)
        self.feed_forward = FeedForward(width, dropout)
        self.pool_norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.merge(self.norm(tokens.transpose(1, 2).flatten(2)))
        x = self.pool_norm(self.feed_forward(self.temporal(x)))
        return (torch.softmax(self.score(x), 1) * x).sum(1)


class Teacher(nn.Module):
    """Windows of several modalities to class scores.

    Args:
        channels: channels of each input, in the model card's order.
        length: samples of a window, at least 20.
        classes: how many scores.
        joints: of each input, 0 for one that is no skeleton.
        width, blocks, heads, dropout: of a token, spatial-temporal blocks, attention, branches.
    """

    def __init__(
        self,
        channels: Sequence[int],
        length: int,
        classes: int,
        joints: Sequence[int],
        width: int = 48,
        blocks: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            JointEncoder(j, width, heads, dropout) if j else Encoder(c, width)
            for c, j in zip(channels, joints, strict=True)
        )
        self.width = width
        self.position = nn.Parameter(torch.zeros(len(channels), segments_of(length), width))
        self.blocks = nn.ModuleList(
            SpatialTemporalBlock(width, heads, dropout) for _ in range(blocks)
        )
        self.fusion = TemporalMidFusion(len(channels), width, heads, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)

    def tokens(self, *inputs: Tensor) -> Tensor:
        """The blocks' result (N, modalities, segments, width), which the student learns from."""
        encoded = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        x = torch.stack(encoded, 1) + self.position
        for block in self.blocks:
            x = block(x)
        return x

    def classify(self, tokens: Tensor) -> Tensor:
        """Tokens to logits (N, classes), through the mid-fusion module."""
        return self.classifier(self.dropout(self.fusion(tokens)))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardised float32 (N, T, C) an input, in order, to logits (N, classes)."""
        return self.classify(self.tokens(*inputs))


class Teachers(nn.Module):
    """Teachers of different first weights and draws, whose logits are averaged.

    What one of them made of few subjects by chance, the others seldom did too.
    """

    def __init__(self, members: Iterable[Teacher]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def first(self) -> Teacher:
        """The one whose representation is handed on; it cannot be averaged."""
        return cast(Teacher, self.members[0])

    def lesson(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The first one's tokens (N, modalities, segments, width); the logits (N, classes)."""
        tokens = self.first.tokens(*inputs)
        others = [member(*inputs) for member in self.members[1:]]
        return tokens, torch.stack([self.first.classify(tokens), *others]).mean(0)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardised float32 (N, T, C) an input, in order, to logits (N, classes)."""
        return torch.stack([member(*inputs) for member in self.members]).mean(0)
