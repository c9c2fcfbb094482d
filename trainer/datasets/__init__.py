"""Data sets: one file each, all giving the same `DataSet`.

To add one, write a module with `load(path) -> DataSet` and name it in `DATASETS`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from midfuse.card import Modality
from midfuse.errors import InputError

# name: module in this package. Imported when used: each needs its own packages.
DATASETS = {
    "seglearn-watch": "seglearn_watch",
    "recordings": "recordings",
}


@dataclass(frozen=True)
class Recording:
    """One uninterrupted recording of one activity by one subject.

    `signals` holds an array (samples, channels) a modality, float32, in the modality's unit;
    `label` indexes `DataSet.labels`.
    """

    signals: dict[str, npt.NDArray[np.float32]]
    label: int
    subject: int


@dataclass(frozen=True)
class DataSet:
    """Recordings and what is known about them; `modalities` is the order of the model's inputs."""

    name: str
    modalities: list[Modality]
    recordings: list[Recording]
    labels: list[str]
    licence: str
    citation: str


def load_dataset(name: str, path: Path | None = None) -> DataSet:
    """Load a data set by name; `path` is the file or folder it lies in, where it needs one.

    Raises:
        InputError: no data set of that name, or `path` is missing, superfluous or unusable.
    """
    if name not in DATASETS:
        raise InputError(f"--dataset {name}: unknown", f"known: {', '.join(DATASETS)}")
    module = importlib.import_module(f"trainer.datasets.{DATASETS[name]}")
    load: Callable[[Path | None], DataSet] = module.load
    return load(path)
