"""The lessons: the teacher learns from the labels, the student from the labels and the teacher.

The student's loss has three terms: cross-entropy; the divergence between the softened answers,
KL(teacher / T || student / T) times T^2 (Hinton et al., arXiv:1503.02531); and representation
transfer, the mean squared distance between the student's tokens, projected, and the teacher's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from trainer.models.student import Student
    from trainer.models.teacher import Teachers
from trainer.learn.lesson import Lesson


@dataclass(frozen=True)
class Distillation:
    """Weights of the terms beside cross-entropy, and the temperature of the softened answers."""

    answers: float = 3.0
    tokens: float = 1.0
    temperature: float = 3.0
    smoothing: float = 0.1


class Labels(Lesson):
    """Cross-entropy with smoothed labels: how the teacher learns."""

    def __init__(self, model: nn.Module, smoothing: float) -> None:
        super().__init__()
        self.model = model
        self._smoothing = smoothing

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        return functional.cross_entropy(
            self.model(*inputs), labels, label_smoothing=self._smoothing
        )


class Distil(Lesson):
    """The three terms of the module's docstring; the teacher stays as it is.

    Batches have the teacher's inputs.
    """

    model: "Student"

    def __init__(
        self,
        student: "Student",
        teachers: "Teachers",
        weights: Distillation,
        sees: Sequence[int] | None = None,
    ) -> None:
        """`sees` are the teacher's modalities, by number, that the student has; None is all."""
        super().__init__()
        self.model = student
        self.project = nn.Linear(student.width, teachers.first.width)
        # In a tuple, so that it is no submodule: it does not learn and is not kept.
        self._teachers = (teachers.eval(),)
        self._weights = weights
        self._sees = range(len(teachers.first.encoders)) if sees is None else sees

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        (teachers,), weights, heat = self._teachers, self._weights, self._weights.temperature
        with torch.no_grad():
            taught_tokens, answers = teachers.lesson(*inputs)
            taught = functional.log_softmax(answers / heat, 1)
            taught_tokens = taught_tokens[:, self._sees]
            taught_tokens = functional.layer_norm(taught_tokens, taught_tokens.shape[-1:])
        tokens = self.model.tokens(*(inputs[at] for at in self._sees))
        logits = self.model.classify(tokens)
        softened = functional.log_softmax(logits / heat, 1)
        divergence = functional.kl_div(softened, taught, reduction="batchmean", log_target=True)
        return (
            functional.cross_entropy(logits, labels, label_smoothing=weights.smoothing)
            + weights.answers * heat**2 * divergence
            + weights.tokens * functional.mse_loss(self.project(tokens), taught_tokens)
        )
