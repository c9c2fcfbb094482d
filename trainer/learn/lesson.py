"""What a stage of training teaches, and from which windows."""

from dataclasses import dataclass

from torch import Tensor, nn

from trainer.data.windows import Windows
from trainer.learn.augment import Drawer


class Lesson(nn.Module):
    """What a stage of training teaches: `forward(inputs, labels)` is the loss of a batch.

    `model` is what learns, is validated and is kept; a lesson may have parameters beside it that
    learn too and are thrown away. What must not change is no submodule of it; what does change is
    in its `state_dict`, or it is lost to a resumed training. On a GPU it computes in bfloat16
    where torch's autocast allows, unless `mixed_precision` is False.
    """

    model: nn.Module
    mixed_precision = True

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class Data:
    """What a stage needs: draws to learn from, standardised validation windows or none, a seed."""

    drawer: Drawer
    validation: Windows | None
    seed: int
