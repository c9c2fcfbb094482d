"""Figures of a classifier: accuracy, precision, recall and F1 from counts, and their spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, mean, stdev

import numpy as np
import numpy.typing as npt

from midfuse.core.oracle import Values

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Confusion:
    """How often each class was answered for each: counts, so that folds can be pooled.

    `confusion` (classes, classes) has a row a true class and a column an answer.
    """

    confusion: IntArray

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


def classes(output: Values) -> IntArray:
    """Each window's class, (window,): where the output is largest, ties to the first.

    A model that ends in an ARG_MAX has done that itself: one int32 a window is the class.
    """
    flat = output.reshape(len(output), -1)
    if flat.dtype == np.int32 and flat.shape[1] == 1:
        return flat[:, 0].astype(np.int64)
    return flat.argmax(axis=1)


def confusion_of(answers: IntArray, labels: IntArray, classes: int) -> IntArray:
    """Counts (classes, classes) of answers (N,) for windows of true classes `labels` (N,)."""
    counts = np.bincount(labels * classes + answers, minlength=classes * classes)
    return counts.reshape(classes, classes)


@dataclass(frozen=True)
class Accuracy:
    """`right` of `windows` windows were classified right; there is at least one window."""

    right: int
    windows: int

    @property
    def share(self) -> float:
        return self.right / self.windows

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95 %: the true shares that this count is no evidence against.

        It takes the windows as independent. Those that overlap, or come from a few people, say
        less than their number, and the true interval is wider.
        """
        z = NormalDist().inv_cdf(0.975)
        p, n = self.share, self.windows
        shrink = 1 + z * z / n
        middle = (p + z * z / (2 * n)) / shrink
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.4f} ({low:.4f} to {high:.4f} at 95 %; {self.right} of {self.windows})"


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


def _ratio(some: IntArray, of: IntArray) -> FloatArray:
    return np.divide(some, of, out=np.zeros(len(some)), where=of > 0)
