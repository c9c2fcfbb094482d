"""A folder of recordings small enough to train on in seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Arrays = dict[str, npt.NDArray[Any]]


def own_recordings() -> Arrays:
    """Six subjects, three movements that differ in pace, two recordings each of 300 samples."""
    rng = np.random.default_rng(1)
    seconds = np.arange(300) / 50
    acc, gyro, labels, subjects = [], [], [], []
    for subject in range(1, 7):
        for label in range(3):
            for _ in range(2):
                pace = (1 + label) * rng.uniform(0.9, 1.1)
                phase = rng.uniform(0, 6, 3)
                wave = np.sin(2 * np.pi * pace * seconds[:, None] + phase)
                acc.append(wave + rng.normal(0, 0.1, (300, 3)) + [0, 1, 0])
                gyro.append(wave[:, :2] * pace + rng.normal(0, 0.1, (300, 2)))
                labels.append(label)
                subjects.append(subject)
    return {
        "acc": np.concatenate(acc).astype(np.float32),
        "gyro": np.concatenate(gyro).astype(np.float32),
        "recording_labels": np.array(labels),
        "recording_subjects": np.array(subjects),
    }


TOML = """
labels = ["slow", "brisk", "fast"]

[window]
length = 128
hop = 64

[modalities.acc]
files = "{take}_{subject}_{label}.npz"
array = "acc"
columns = ["x", "y", "z"]
unit = "g"
rate_hz = 50

[modalities.gyro]
files = "{take}_{subject}_{label}.npz"
array = "gyro"
columns = ["roll", "pitch"]
unit = "rad/s"
rate_hz = 50
"""


def write_folder(arrays: Arrays, path: Path) -> Path:
    """A `folder` data set with a file a recording, in the order of the arrays."""
    path.mkdir(exist_ok=True)
    (path / "midfuse.toml").write_text(TOML)
    for at, (label, subject) in enumerate(
        zip(arrays["recording_labels"], arrays["recording_subjects"], strict=True)
    ):
        rows = slice(300 * at, 300 * (at + 1))
        np.savez(
            path / f"{at}_{subject}_{('slow', 'brisk', 'fast')[label]}.npz",
            acc=arrays["acc"][rows],
            gyro=arrays["gyro"][rows],
        )
    return path


@pytest.fixture
def arrays() -> Arrays:
    """All recordings one after another, to change before writing."""
    return own_recordings()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Arrays], Path]:
    """Write recordings as a folder and give its path."""
    return lambda arrays: write_folder(arrays, tmp_path / "own")
