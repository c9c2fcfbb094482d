"""Every hyper-parameter of a training, all chosen by the accuracy on validation subjects."""

from dataclasses import dataclass, field

from trainer.learn.augment import Strength
from trainer.learn.distil import Distillation
from trainer.run.fit import Schedule


@dataclass(frozen=True)
class Size:
    """Of a student: width of a token, spatial-temporal blocks."""

    width: int
    blocks: int


# About 10, 20 and 60 KB of int8 weights, for two sensors of three axes and seven classes.
STUDENTS = {
    "student-s": Size(width=24, blocks=1),
    "student-m": Size(width=32, blocks=2),
    "student-l": Size(width=52, blocks=2),
}


# More epochs than that of few windows teach nothing.
_MOST_EPOCHS = 200


@dataclass(frozen=True)
class Stage:
    """How long a stage lasts, and its learning rate.

    So many epochs, and of a small data set more, until there are about so many steps. It ends
    early after `patience` of its epochs, as a share, without a better validation.
    """

    epochs: int
    steps: int
    rate: float = 2e-3
    batch: int = 64
    patience: float = 0.6

    def schedule(self, windows: int) -> Schedule:
        """For so many training windows."""
        enough = round(self.steps / max(1, windows // self.batch))
        epochs = max(self.epochs, min(enough, _MOST_EPOCHS))
        patience = max(1, round(self.patience * epochs))
        return Schedule(epochs, batch=self.batch, rate=self.rate, patience=patience)


@dataclass(frozen=True)
class Recipe:
    """How teachers and student are trained; `smoothing` is that of the teachers' labels."""

    teachers: int = 2
    size: Size = STUDENTS["student-m"]
    teacher: Stage = field(default_factory=lambda: Stage(epochs=15, steps=700))
    student: Stage = field(default_factory=lambda: Stage(epochs=30, steps=1600))
    tuning: Stage = field(default_factory=lambda: Stage(epochs=8, steps=300, rate=2e-4))
    smoothing: float = 0.1
    distillation: Distillation = field(default_factory=Distillation)
    strength: Strength = field(default_factory=Strength)
