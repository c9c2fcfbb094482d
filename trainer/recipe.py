"""Every hyper-parameter of a training, all chosen by the accuracy on validation subjects."""

from dataclasses import dataclass, field

from trainer.augment import Strength
from trainer.distil import Distillation
from trainer.fit import Schedule


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


@dataclass(frozen=True)
class Recipe:
    """How teacher and student are trained; `smoothing` is that of the teacher's labels."""

    size: Size = STUDENTS["student-m"]
    teacher: Schedule = field(default_factory=lambda: Schedule(epochs=25))
    student: Schedule = field(default_factory=lambda: Schedule(epochs=45))
    smoothing: float = 0.1
    distillation: Distillation = field(default_factory=Distillation)
    strength: Strength = field(default_factory=Strength)
