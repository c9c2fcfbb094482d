"""Training: the teacher on the labels, the student on the labels and on the teacher.

The student's loss has three terms: cross-entropy; the divergence between the softened answers,
KL(teacher / T || student / T) times T^2 (Hinton et al., arXiv:1503.02531); and representation
transfer, the mean squared distance between the student's tokens, projected, and the teacher's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from midfuse.progress import SILENT, Progress
from trainer.augment import Drawer
from trainer.student import Student
from trainer.teacher import Teacher
from trainer.windows import Standardiser, Windows

Loss = Callable[[tuple[Tensor, ...], Tensor], Tensor]


@dataclass(frozen=True)
class Schedule:
    """AdamW over one cycle: warm-up over a tenth of the steps, then a cosine to zero."""

    epochs: int
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.05
    smoothing: float = 0.1


@dataclass(frozen=True)
class Distillation:
    """Weights of the terms beside cross-entropy, and the temperature of the softened answers."""

    answers: float = 3.0
    tokens: float = 1.0
    temperature: float = 3.0


@dataclass(frozen=True)
class Data:
    """What a training needs: draws to learn from, and validation windows, which are only shown."""

    drawer: Drawer
    standardise: Standardiser
    validation: Windows
    rng: np.random.Generator


def reproducible(seed: int) -> None:
    """Same seed, same machine, same weights: seeded torch, one thread, deterministic kernels.

    One thread, because these models are small: a second one gains little on an idle machine and
    loses much on a busy one.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def train_teacher(
    teacher: Teacher, data: Data, schedule: Schedule, progress: Progress = SILENT
) -> None:
    """Train the teacher in place."""

    def loss(inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        logits = teacher(*inputs)
        return functional.cross_entropy(logits, labels, label_smoothing=schedule.smoothing)

    _fit(teacher, loss, list(teacher.parameters()), data, schedule, "teacher", progress)


def distil(
    student: Student,
    teacher: Teacher,
    data: Data,
    schedule: Schedule,
    weights: Distillation,
    progress: Progress = SILENT,
) -> None:
    """Train the student in place; the teacher stays as it is."""
    teacher.eval()
    project = nn.Linear(student.width, teacher.width)
    heat = weights.temperature

    def loss(inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        with torch.no_grad():
            taught_tokens = teacher.tokens(*inputs)
            taught = functional.log_softmax(teacher.classify(taught_tokens) / heat, 1)
            taught_tokens = functional.layer_norm(taught_tokens, taught_tokens.shape[-1:])
        tokens = student.tokens(*inputs)
        logits = student.classify(tokens)
        return (
            functional.cross_entropy(logits, labels, label_smoothing=schedule.smoothing)
            + weights.answers
            * heat**2
            * functional.kl_div(
                functional.log_softmax(logits / heat, 1),
                taught,
                reduction="batchmean",
                log_target=True,
            )
            + weights.tokens * functional.mse_loss(project(tokens), taught_tokens)
        )

    parameters = [*student.parameters(), *project.parameters()]
    _fit(student, loss, parameters, data, schedule, "student", progress)


def _fit(
    model: nn.Module,
    loss: Loss,
    parameters: list[nn.Parameter],
    data: Data,
    schedule: Schedule,
    name: str,
    progress: Progress,
) -> None:
    size = min(schedule.batch, len(data.drawer))
    batches = len(data.drawer) // size
    steps = schedule.epochs * batches
    optimiser = torch.optim.AdamW(parameters, schedule.rate, weight_decay=schedule.decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1.0, 10 * step / steps) * 0.5 * (1 + math.cos(math.pi * step / steps)),
    )
    with progress.task(f"training the {name}", schedule.epochs) as task:
        for _ in range(schedule.epochs):
            model.train()
            windows = data.drawer.draw(data.rng)
            inputs = _tensors(data.standardise(windows.inputs))
            labels = torch.from_numpy(windows.labels)
            order = torch.from_numpy(data.rng.permutation(len(labels)))
            total = 0.0
            for chosen in order[: batches * size].reshape(batches, -1):
                value = loss(tuple(x[chosen] for x in inputs), labels[chosen])
                optimiser.zero_grad()
                value.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
                scheduler.step()
                total += value.item()
            answers = predict(model, data.validation.inputs)
            share = (answers.argmax(1) == data.validation.labels).mean()
            task.advance(note=f"loss {total / batches:.3f}, validation {share:.1%}")
    model.eval()


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
