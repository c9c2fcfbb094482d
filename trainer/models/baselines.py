"""What teacher and student are compared with: two usual networks, and fusion at other places.

Every network takes what the teacher takes, standardised windows (N, T, C_m) of M modalities, and
gives logits (N, classes). Between early, late and mid-fusion only the place differs: the encoders,
blocks and pooling are the teacher's own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainer.models.teacher import Teacher

BASELINES = ("cnn", "deepconvlstm", "early_fusion", "late_fusion")


def baseline(
    name: str, channels: Sequence[int], length: int, classes: int, joints: Sequence[int]
) -> nn.Module:
    """A new network of `BASELINES`; the other arguments are `Teacher`'s."""
    match name:
        case "cnn":
            return CNN(sum(channels), classes)
        case "deepconvlstm":
            return DeepConvLSTM(sum(channels), classes)
        case "early_fusion":
            return EarlyFusion(sum(channels), length, classes)
        case "late_fusion":
            return LateFusion(channels, length, classes, joints)
    raise ValueError(name)


class CNN(nn.Module):
    """Three convolutions over all channels together, and the mean over time.

    The fully convolutional network of Wang, Yan, Oates (arXiv:1611.06455), half as wide and with 7
    taps for their 8: about 70,000 parameters for two sensors of three axes.
    """

    def __init__(self, channels: int, classes: int, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolved(channels, width, 7),
            *_convolved(width, 2 * width, 5),
            *_convolved(2 * width, width, 3),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(width, classes),
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        logits: Tensor = self.layers(torch.cat(inputs, 2).transpose(1, 2))
        return logits


class DeepConvLSTM(nn.Module):
    """Four temporal convolutions, two LSTM layers, and what the last step says.

    After Ordóñez and Roggen (Sensors 16, 115, 2016) in dimensions of ours, about as many parameters
    as the teacher has: 64 cells a layer for their 128, and convolutions over all channels together,
    where theirs keep the channels apart up to the LSTM.
    """

    def __init__(self, channels: int, classes: int, width: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *(
                layer
                for inputs in (channels, width, width, width)
                for layer in (nn.Conv1d(inputs, width, 5), nn.ReLU())
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(width, width, num_layers=2, dropout=dropout, batch_first=True)
        self.classifier = nn.Linear(width, classes)

    def forward(self, *inputs: Tensor) -> Tensor:
        steps = self.convolutions(torch.cat(inputs, 2).transpose(1, 2)).transpose(1, 2)
        states: Tensor = self.lstm(self.dropout(steps))[0]
        logits: Tensor = self.classifier(self.dropout(states[:, -1]))
        return logits


class EarlyFusion(nn.Module):
    """The teacher of one modality made of all channels: fused before anything is learnt."""

    def __init__(self, channels: int, length: int, classes: int) -> None:
        super().__init__()
        self.network = Teacher([channels], length, classes, joints=[0])

    def forward(self, *inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(torch.cat(inputs, 2))
        return logits


class LateFusion(nn.Module):
    """A teacher for every modality alone; their logits are averaged."""

    def __init__(
        self, channels: Sequence[int], length: int, classes: int, joints: Sequence[int]
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList(
            Teacher([c], length, classes, [j]) for c, j in zip(channels, joints, strict=True)
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        answers = [answer(x) for answer, x in zip(self.networks, inputs, strict=True)]
        return torch.stack(answers).mean(0)


def _convolved(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    return [
        nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
    ]
