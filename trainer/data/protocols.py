"""Protocols: which subjects train, which choose, and which are only tested on.

Subjects, not windows, are split: two windows of one person are too alike to be held out from each
other. The validation subjects are for every choice, an epoch or a hyper-parameter; the test
subjects for none. When all is chosen, the validation subjects train too.
"""

from dataclasses import dataclass

import numpy as np

from midfuse.core.errors import InputError
from trainer.data.datasets import DataSet

FOLDS = 5
USUAL, BY_FOLD, LEAVE_ONE_OUT = PROTOCOLS = ("usual", "folds", "leave-one-out")


@dataclass(frozen=True)
class Split:
    """Names of the subjects of each part; no subject is in two."""

    train: list[str]
    validation: list[str]
    test: list[str]

    def chosen(self) -> "Split":
        """With nothing left to choose: everybody who is not tested on trains."""
        return Split(sorted(self.train + self.validation, key=lambda s: (len(s), s)), [], self.test)


def splits(dataset: DataSet, protocol: str) -> list[Split]:
    """All splits of a protocol, in order.

    usual: the data set's own test subjects; of the others every fifth validates. The same as
        `folds` for a set that has no usual split.
    folds: a fifth of the subjects for the test, the next fifth for validation, five times.
    leave-one-out: each subject is tested on alone; of the others every fifth validates.

    Raises:
        InputError: fewer subjects than that takes.
    """
    subjects = dataset.subjects
    if protocol == USUAL and dataset.test_subjects:
        rest = [s for s in subjects if s not in dataset.test_subjects]
        _enough(dataset, rest, 2)
        return [_validated(rest, dataset.test_subjects)]
    if protocol == LEAVE_ONE_OUT:
        _enough(dataset, subjects, 3)
        return [_validated([s for s in subjects if s != one], [one]) for one in subjects]
    _enough(dataset, subjects, FOLDS)
    folds = [fold.tolist() for fold in np.array_split(np.array(subjects, object), FOLDS)]
    return [
        Split(
            [s for fold in folds if fold not in (test, validation) for s in fold], validation, test
        )
        for test, validation in zip(folds, folds[1:] + folds[:1], strict=True)
    ]


def _validated(rest: list[str], test: list[str]) -> Split:
    validation = rest[FOLDS - 1 :: FOLDS] or rest[-1:]
    return Split([s for s in rest if s not in validation], validation, list(test))


def _enough(dataset: DataSet, subjects: list[str], least: int) -> None:
    if len(subjects) < least:
        raise InputError(
            f"data set {dataset.name}: {len(subjects)} subjects, too few to split",
            f"record at least {least}, or take another `protocol`",
        )
