"""From recordings to windows, and their standardisation.

Windows never straddle recordings; a window's label is the most frequent one of its samples. The
mean and standard deviation come from the training subjects alone.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from midfuse.core.card import Window
from midfuse.core.errors import InputError
from trainer.data.datasets import DataSet, Recording


@dataclass(frozen=True)
class Windows:
    """`inputs` holds an array (N, T, C) a modality; `labels` int64 (N,), `subjects` text (N,)."""

    inputs: dict[str, npt.NDArray[np.float32]]
    labels: npt.NDArray[np.int64]
    subjects: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, names: Collection[str]) -> "Windows":
        """The same windows with these modalities alone, in their order."""
        return replace(self, inputs={n: x for n, x in self.inputs.items() if n in names})


@dataclass(frozen=True)
class Standardiser:
    """Mean and standard deviation a channel, by modality: x -> (x - mean) / std."""

    mean: dict[str, npt.NDArray[np.float32]]
    std: dict[str, npt.NDArray[np.float32]]

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Standardise arrays (..., C) keyed by modality."""
        return {name: (x - self.mean[name]) / self.std[name] for name, x in inputs.items()}


def of_subjects(dataset: DataSet, subjects: list[str]) -> list[Recording]:
    """The recordings of these subjects."""
    return [recording for recording in dataset.recordings if recording.subject in subjects]


def cut(recordings: list[Recording], window: Window) -> Windows:
    """Every window of every recording; one that is shorter than a window gives none.

    Raises:
        InputError: no recording is as long as a window.
    """
    pieces: dict[str, list[npt.NDArray[np.float32]]] = {}
    labels: list[npt.NDArray[np.int64]] = []
    subjects: list[str] = []
    for recording in recordings:
        for signals in _pieces(recording, window):
            for name, signal in signals.items():
                pieces.setdefault(name, []).append(signal)
            subjects.append(recording.subject)
        labels.append(labels_of(recording, window))
    if not subjects:
        raise InputError(
            f"no recording has {window.length} samples, the length of a window",
            "give longer recordings, or take a shorter window",
        )
    return Windows(
        {name: np.stack(parts) for name, parts in pieces.items()},
        np.concatenate(labels),
        np.array(subjects),
    )


def count(recordings: list[Recording], window: Window) -> int:
    """How many windows `cut` makes of them."""
    if window.whole:
        return len(recordings)
    return sum(max(0, (len(r) - window.length) // window.hop + 1) for r in recordings)


def labels_of(recording: Recording, window: Window) -> npt.NDArray[np.int64]:
    """The label of every window that `cut` makes of a recording (windows,)."""
    if window.whole:
        at = np.linspace(0, len(recording) - 1, window.length)[None]
        return most_frequent(labelled(recording.labels, at))
    if len(recording) < window.length:
        return np.zeros(0, np.int64)
    pieces = sliding_window_view(recording.labels, window.length)[:: window.hop]
    return most_frequent(pieces)


def labelled(labels: npt.NDArray[np.int64], at: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The label of the sample nearest to each place (...) from 0 to the last sample."""
    return labels[np.rint(at).astype(np.int64)]


def most_frequent(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The most frequent of each row of labels (N, samples): (N,); of a tie, the lowest."""
    rows, classes = len(labels), int(labels.max(initial=0)) + 1
    cells = labels + classes * np.arange(rows)[:, None]
    counts = np.bincount(cells.ravel(), minlength=rows * classes)
    return counts.reshape(rows, classes).argmax(1)


def _pieces(recording: Recording, window: Window) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    if window.whole:
        yield {name: stretched(x, window.length) for name, x in recording.signals.items()}
        return
    for start in range(0, len(recording) - window.length + 1, window.hop):
        yield {name: x[start : start + window.length] for name, x in recording.signals.items()}


def stretched(signal: npt.NDArray[np.float32], length: int) -> npt.NDArray[np.float32]:
    """A signal (samples, C) at `length` even times from its first sample to its last."""
    return sampled(signal, np.linspace(0, len(signal) - 1, length))


def sampled(
    signal: npt.NDArray[np.float32], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """A signal (samples, C) at places (...) from 0 to its last sample: (..., C), on lines."""
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(signal) - 1)
    values = signal[low]
    values += (signal[high] - values) * (at - low)[..., None].astype(np.float32)
    return values


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
