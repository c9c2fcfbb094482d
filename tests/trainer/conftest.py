"""A recordings file small enough to train on in seconds."""

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
        "modalities": np.array(["acc", "gyro"]),
        "acc": np.concatenate(acc).astype(np.float32),
        "acc_channels": np.array(["x", "y", "z"]),
        "acc_unit": np.array("g"),
        "gyro": np.concatenate(gyro).astype(np.float32),
        "gyro_channels": np.array(["roll", "pitch"]),
        "gyro_unit": np.array("rad/s"),
        "rate_hz": np.array(50.0),
        "lengths": np.full(len(labels), 300),
        "recording_labels": np.array(labels),
        "recording_subjects": np.array(subjects),
        "labels": np.array(["slow", "brisk", "fast"]),
    }


@pytest.fixture
def arrays() -> Arrays:
    """The arrays of a recordings file, to change before writing."""
    return own_recordings()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Arrays], Path]:
    """Write arrays as a recordings file and give its path."""

    def writer(arrays: Arrays) -> Path:
        path = tmp_path / "own.npz"
        np.savez(path, **arrays)
        return path

    return writer
