"""Recordings whose samples say where they come from."""

import numpy as np

from midfuse.card import Modality, Window
from trainer.datasets import About, DataSet, Recording

ABOUT = About("Numbered", "none", "none", "nowhere", "nothing")
WHERE = Modality(name="where", channels=["recording", "sample"], unit="1", rate_hz=50)


def numbered(lengths: list[int]) -> list[Recording]:
    """A recording of each length by a subject of its own: channels (recording, sample)."""
    return [
        Recording(
            {"where": np.stack([np.full(n, i), np.arange(n)], 1).astype(np.float32)}, i % 3, str(i)
        )
        for i, n in enumerate(lengths)
    ]


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
