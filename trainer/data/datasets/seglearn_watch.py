"""Shoulder exercises recorded by a watch: the recordings that the `seglearn` package carries.

140 recordings (947 to 2618 samples at 50 Hz) of 10 subjects doing 7 exercises with either arm.

The package states no units. The values do: where the watch hardly turns, the median length of the
acceleration is 1.01, so it is in g; peaks of 29 on the gyroscope and the rate at which gravity
moves between the axes fit rad/s and are out of reach in deg/s.
"""

from pathlib import Path

import numpy as np
from seglearn.datasets import load_watch

from midfuse.core.card import Modality, Window
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import About, DataSet, Recording

ABOUT = About(
    title="Shoulder physiotherapy exercises recorded by a smartwatch",
    licence="BSD-3-Clause, with the seglearn package",
    citation="Burns et al., Physiological Measurement 39 (2018) 075007, arXiv:1802.01489",
    download="comes with the seglearn package",
    layout="nothing to give",
)


def load(path: Path | None, variant: str, progress: Progress = SILENT) -> DataSet:
    """Load the recordings from the installed package; there is no path to give.

    Raises:
        InputError: a path was given.
    """
    if path is not None:
        raise InputError(
            f"`data` {path}: seglearn-watch comes with the seglearn package", "leave `data` out"
        )
    watch = load_watch()
    recordings = [
        Recording.of_one(
            int(label),
            {
                "acc": np.asarray(samples[:, :3], np.float32),
                "gyro": np.asarray(samples[:, 3:], np.float32),
            },
            str(int(subject)),
        )
        for samples, label, subject in zip(watch["X"], watch["y"], watch["subject"], strict=True)
    ]
    return DataSet(
        name="seglearn-watch",
        about=ABOUT,
        modalities=[
            Modality(name="acc", channels=["ax", "ay", "az"], unit="g", rate_hz=50, device="watch"),
            Modality(
                name="gyro", channels=["wx", "wy", "wz"], unit="rad/s", rate_hz=50, device="watch"
            ),
        ],
        recordings=recordings,
        labels=[str(label) for label in watch["y_labels"]],
        window=Window(length=128, hop=64),
    )
