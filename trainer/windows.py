"""From recordings to windows: subjects first, then windows, then standardisation.

Windows never straddle recordings, subjects never straddle parts, and the mean and standard
deviation come from the training subjects alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.card import Window
from midfuse.errors import InputError
from trainer.datasets import DataSet, Recording

FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Subject numbers of each part; no subject is in two."""

    train: list[int]
    validation: list[int]
    test: list[int]


@dataclass(frozen=True)
class Windows:
    """`inputs` holds an array (N, T, C) a modality; `labels` and `subjects` are int64 (N,)."""

    inputs: dict[str, npt.NDArray[np.float32]]
    labels: npt.NDArray[np.int64]
    subjects: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Standardiser:
    """Mean and standard deviation a channel, by modality: x -> (x - mean) / std."""

    mean: dict[str, npt.NDArray[np.float32]]
    std: dict[str, npt.NDArray[np.float32]]

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Standardise arrays (..., C) keyed by modality."""
        return {name: (x - self.mean[name]) / self.std[name] for name, x in inputs.items()}


def split_subjects(dataset: DataSet, split: int) -> Split:
    """Fold `split` of `FOLDS`: a fifth of the subjects for the test, the next fifth for validation.

    Over all folds every subject is tested on once, and validated on once.

    Raises:
        InputError: no such fold, or fewer subjects than folds.
    """
    if not 0 <= split < FOLDS:
        raise InputError(f"--split {split}: not a fold", f"choose 0 to {FOLDS - 1}")
    subjects = sorted({recording.subject for recording in dataset.recordings})
    if len(subjects) < FOLDS:
        raise InputError(
            f"data set {dataset.name}: {len(subjects)} subjects, too few to split",
            f"record at least {FOLDS}",
        )
    folds = [fold.tolist() for fold in np.array_split(subjects, FOLDS)]
    test, validation = folds[split], folds[(split + 1) % FOLDS]
    return Split([s for s in subjects if s not in test + validation], validation, test)


def of_subjects(dataset: DataSet, subjects: list[int]) -> list[Recording]:
    """The recordings of these subjects."""
    return [recording for recording in dataset.recordings if recording.subject in subjects]


def cut(recordings: list[Recording], window: Window) -> Windows:
    """Every window of every recording; one that is shorter than a window gives none.

    Raises:
        InputError: no recording is as long as a window.
    """
    pieces: dict[str, list[npt.NDArray[np.float32]]] = {}
    labels: list[int] = []
    subjects: list[int] = []
    for recording in recordings:
        samples = len(next(iter(recording.signals.values())))
        for start in range(0, samples - window.length + 1, window.hop):
            for name, signal in recording.signals.items():
                pieces.setdefault(name, []).append(signal[start : start + window.length])
            labels.append(recording.label)
            subjects.append(recording.subject)
    if not labels:
        raise InputError(
            f"no recording has {window.length} samples, the length of a window",
            "give longer recordings",
        )
    return Windows(
        {name: np.stack(parts) for name, parts in pieces.items()},
        np.array(labels, np.int64),
        np.array(subjects, np.int64),
    )


def fit_standardiser(training: Windows) -> Standardiser:
    """Mean and standard deviation of the training windows.

    Raises:
        InputError: a channel that never changes.
    """
    mean, std = {}, {}
    for name, values in training.inputs.items():
        mean[name] = values.mean((0, 1), dtype=np.float64).astype(np.float32)
        std[name] = values.std((0, 1), dtype=np.float64).astype(np.float32)
        if not (std[name] > 0).all():
            channel = int(np.argmin(std[name]))
            raise InputError(f"{name}: channel {channel} never changes", "leave the channel out")
    return Standardiser(mean, std)


def stratified(windows: Windows, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Indices of about `count` windows, as many of each class as the class has to give."""
    classes = np.unique(windows.labels)
    share = -(-count // len(classes))
    chosen = [rng.permutation(np.flatnonzero(windows.labels == label))[:share] for label in classes]
    return np.sort(np.concatenate(chosen))
