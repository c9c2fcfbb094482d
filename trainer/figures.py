"""Figures of a model on windows: accuracy, macro-F1, confusion, by class and by subject."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix

from trainer.windows import Windows

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What a model made of windows, as counts, so that folds can be pooled.

    `confusion` (classes, classes) has a row a true class and a column an answer; `correct_of` and
    `windows_of` are by subject.
    """

    confusion: npt.NDArray[np.int64]
    correct_of: Counter[str]
    windows_of: Counter[str]

    @property
    def correct(self) -> int:
        return int(self.confusion.trace())

    @property
    def windows(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        return self.correct / self.windows

    @property
    def recall(self) -> FloatArray:
        """By class; 0 for one without windows."""
        return _ratio(self.confusion.diagonal(), self.confusion.sum(1))

    @property
    def precision(self) -> FloatArray:
        """By class; 0 for one that is never answered."""
        return _ratio(self.confusion.diagonal(), self.confusion.sum(0))

    @property
    def f1(self) -> FloatArray:
        """By class: the harmonic mean of precision and recall."""
        return _ratio(2 * self.confusion.diagonal(), self.confusion.sum(0) + self.confusion.sum(1))

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have windows or are answered."""
        there = self.confusion.sum(0) + self.confusion.sum(1) > 0
        return float(self.f1[there].mean())

    @property
    def by_subject(self) -> dict[str, float]:
        """Accuracy of each subject."""
        return {s: self.correct_of[s] / count for s, count in self.windows_of.items()}

    def as_json(self, labels: list[str]) -> dict[str, Any]:
        """For figures.json and `--json`; a class by its label."""
        by_class = zip(
            labels, self.precision, self.recall, self.f1, self.confusion.sum(1), strict=True
        )
        return {
            "correct": self.correct,
            "windows": self.windows,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "classes": {
                label: {
                    "precision": float(precision),
                    "recall": float(recall),
                    "f1": float(f1),
                    "windows": int(windows),
                }
                for label, precision, recall, f1, windows in by_class
            },
            "subjects": self.by_subject,
            "confusion": self.confusion.tolist(),
        }


def score(answers: npt.NDArray[np.int64], part: Windows, classes: int) -> Scores:
    """Scores of answers (N,), the class of each window."""
    right = answers == part.labels
    return Scores(
        confusion_matrix(part.labels, answers, labels=np.arange(classes)),
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


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds; no deviation of one seed."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(mean(values), stdev(values) if len(values) > 1 else None)

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {100 * self.deviation:.1f}"
        return f"{100 * self.mean:.1f}{spread} %"


def _ratio(some: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> FloatArray:
    return np.divide(some, of, out=np.zeros(len(some)), where=of > 0)
