"""Recordings whose samples say where they come from."""

from dataclasses import replace

import numpy as np

from midfuse.core.card import Modality, Window
from trainer.data.datasets import About, DataSet, Recording

ABOUT = About("Numbered", "none", "none", "nowhere", "nothing")
WHERE = Modality(name="where", channels=["recording", "sample"], unit="1", rate_hz=50)


def numbered(lengths: list[int]) -> list[Recording]:
    """A recording of each length by a subject of its own: channels (recording, sample)."""
    return [
        Recording.of_one(
            i % 3, {"where": np.stack([np.full(n, i), np.arange(n)], 1).astype(np.float32)}, str(i)
        )
        for i, n in enumerate(lengths)
    ]


def relabelled(recordings: list[Recording], seed: int) -> list[Recording]:
    """The same with labels 0 to 2 in runs of 1 to 9 samples."""
    rng = np.random.default_rng(seed)
    relabelled = []
    for recording in recordings:
        n = len(recording)
        labels = np.repeat(rng.integers(0, 3, n), rng.integers(1, 10, n))[:n]
        relabelled.append(replace(recording, labels=labels))
    return relabelled


def data_set(subjects: int, test_subjects: list[str] | None = None) -> DataSet:
    """Nine samples of each subject."""
    return DataSet(
        name="numbered",
        about=ABOUT,
        modalities=[WHERE],
        recordings=numbered([9] * subjects),
        labels=["a", "b", "c"],
        window=Window(length=4, hop=2),
        test_subjects=test_subjects or [],
    )
