"""Figures of a model on windows, by class and by subject."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midfuse.core.results import ClassFigures, ModelFigures
from midfuse.core.scores import Confusion, confusion_of
from trainer.data.windows import Windows


@dataclass(frozen=True)
class Scores(Confusion):
    """What a model made of windows; `correct_of` and `windows_of` are counts by subject."""

    correct_of: Counter[str]
    windows_of: Counter[str]

    @property
    def by_subject(self) -> dict[str, float]:
        """Accuracy of each subject."""
        return {s: self.correct_of[s] / count for s, count in self.windows_of.items()}

    def result(self, labels: list[str]) -> ModelFigures:
        """For figures.json and the command's answer; a class by its label."""
        by_class = zip(
            labels, self.precision, self.recall, self.f1, self.confusion.sum(1), strict=True
        )
        return ModelFigures(
            correct=self.correct,
            windows=self.windows,
            accuracy=self.accuracy,
            macro_f1=self.macro_f1,
            classes={
                label: ClassFigures(
                    precision=float(precision),
                    recall=float(recall),
                    f1=float(f1),
                    windows=int(windows),
                )
                for label, precision, recall, f1, windows in by_class
            },
            subjects=self.by_subject,
            confusion=self.confusion.tolist(),
        )


def score(answers: npt.NDArray[np.int64], part: Windows, classes: int) -> Scores:
    """Scores of answers (N,), the class of each window."""
    right = answers == part.labels
    return Scores(
        confusion_of(answers, part.labels, classes),
        Counter(part.subjects[right].tolist()),
        Counter(part.subjects.tolist()),
    )


def pooled(parts: Sequence[Scores]) -> Scores:
    """The scores over all windows of all parts."""
    return Scores(
        np.sum([part.confusion for part in parts], axis=0),
        sum((part.correct_of for part in parts), Counter()),
        sum((part.windows_of for part in parts), Counter()),
    )
