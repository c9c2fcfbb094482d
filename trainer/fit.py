"""Fitting a model to what a lesson says: epochs of drawn batches, validated after each."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from midfuse.progress import SILENT, Progress
from trainer.augment import Drawer
from trainer.windows import Windows


class Lesson(nn.Module):
    """What a stage of training teaches: `forward(inputs, labels)` is the loss of a batch.

    `model` is what learns, is validated and is kept; a lesson may have parameters beside it that
    learn too and are thrown away. What must not change is no submodule of it.
    """

    model: nn.Module

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class Schedule:
    """AdamW over one cycle: warm-up over a tenth of the steps, then a cosine to zero.

    After `patience` epochs without a better validation the stage ends early; the best epoch's
    weights are kept.
    """

    epochs: int
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.05
    patience: int = 1000


@dataclass(frozen=True)
class Data:
    """What a stage needs: draws to learn from, standardised validation windows, and a seed."""

    drawer: Drawer
    validation: Windows
    seed: int


@dataclass
class History:
    """One entry an epoch: what `plots` draws."""

    loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


def reproducible(seed: int) -> None:
    """Same seed, same machine, same weights: seeded torch, one thread, deterministic kernels.

    One thread, because these models are small: a second one gains little on an idle machine and
    loses much on a busy one.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def fit(
    lesson: Lesson, data: Data, schedule: Schedule, stage: str, progress: Progress = SILENT
) -> History:
    """Train `lesson.model` in place and leave it in evaluation mode with its best weights."""
    history = History()
    rng = np.random.default_rng(data.seed)
    parameters = [p for p in lesson.parameters() if p.requires_grad]
    size = min(schedule.batch, len(data.drawer))
    batches = len(data.drawer) // size
    steps = schedule.epochs * batches
    optimiser = torch.optim.AdamW(parameters, schedule.rate, weight_decay=schedule.decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1.0, 10 * step / steps) * 0.5 * (1 + math.cos(math.pi * step / steps)),
    )
    with progress.task(f"training the {stage}", schedule.epochs) as task:
        for _ in range(schedule.epochs):
            lesson.train()
            order = rng.permutation(len(data.drawer))[: batches * size].reshape(batches, -1)
            total = 0.0
            for chosen in order:
                windows = data.drawer.draw(chosen, rng)
                value = lesson(_tensors(windows.inputs), torch.from_numpy(windows.labels))
                optimiser.zero_grad()
                value.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
                scheduler.step()
                total += value.item()
            answers = predict(lesson.model, data.validation.inputs)
            share = float((answers.argmax(1) == data.validation.labels).mean())
            history.loss.append(total / batches)
            history.validation_accuracy.append(share)
            task.advance(note=f"loss {total / batches:.3f}, validation {share:.1%}")
    lesson.model.eval()
    return history


def predict(
    model: nn.Module, inputs: dict[str, npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Logits (N, classes) of standardised windows."""
    model.eval()
    with torch.no_grad():
        parts = zip(*(torch.split(x, 256) for x in _tensors(inputs)), strict=True)
        return torch.cat([model(*part) for part in parts]).numpy()


def _tensors(inputs: dict[str, npt.NDArray[np.float32]]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(values) for values in inputs.values())
