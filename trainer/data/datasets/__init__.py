"""Data sets: one file each, all giving the same `DataSet`.

To add one, write a module with `ABOUT` and `load(path, variant, progress) -> DataSet` and name it
in `DATASETS`.
"""

import importlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from midfuse.core.card import Modality, Window
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress

# name: (module in this package, variant). Imported when used: each needs its own packages.
DATASETS = {
    "seglearn-watch": ("seglearn_watch", ""),
    "utd-mhad": ("utd_mhad", ""),
    "uci-hapt": ("uci_hapt", "6"),
    "uci-hapt-12": ("uci_hapt", "12"),
    "sp-sw-har": ("sp_sw_har", ""),
    "folder": ("folder", ""),
}


@dataclass(frozen=True)
class About:
    """What is known of a data set before it is read.

    `download` says where the publisher offers it; `layout` what `data` may name, in one line.
    """

    title: str
    licence: str
    citation: str
    download: str
    layout: str


@dataclass(frozen=True)
class Recording:
    """One uninterrupted recording of one subject.

    `signals` holds an array (samples, channels) a modality, float32, in the modality's unit; all
    have as many samples, taken at the same times. `labels` (samples,) indexes `DataSet.labels`.
    """

    signals: dict[str, npt.NDArray[np.float32]]
    labels: npt.NDArray[np.int64]
    subject: str

    @classmethod
    def of_one(
        cls, label: int, signals: dict[str, npt.NDArray[np.float32]], subject: str
    ) -> "Recording":
        """A recording of one activity from beginning to end."""
        samples = len(next(iter(signals.values())))
        return cls(signals, np.full(samples, label, np.int64), subject)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class DataSet:
    """Recordings and what is known about them; `modalities` is the order of the model's inputs.

    `window` is how the set is usually cut. `test_subjects` is the usual split's, empty where there
    is none. `repairs` counts what was mended while reading, by what it was.
    """

    name: str
    about: About
    modalities: list[Modality]
    recordings: list[Recording]
    labels: list[str]
    window: Window
    test_subjects: list[str] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)

    @property
    def subjects(self) -> list[str]:
        """Everybody, numbers in their order."""
        return sorted({r.subject for r in self.recordings}, key=lambda s: (len(s), s))

    @property
    def repaired(self) -> str:
        """One line for people: what was mended, and how often."""
        counts = "; ".join(f"{count:,} {what}" for what, count in self.repairs.items())
        return f"repaired: {counts or 'nothing'}"

    def only(self, names: Collection[str]) -> "DataSet":
        """The same recordings with these modalities alone, in the set's order.

        Raises:
            InputError: a modality that the set lacks, or none.
        """
        known = [modality.name for modality in self.modalities]
        for name in names:
            if name not in known:
                raise InputError(
                    f"data set {self.name}: no modality {name}", f"choose of {', '.join(known)}"
                )
        chosen = [modality for modality in self.modalities if modality.name in names]
        if not chosen:
            raise InputError("`modalities`: none named", f"choose of {', '.join(known)}")
        return replace(
            self,
            modalities=chosen,
            recordings=[
                replace(r, signals={m.name: r.signals[m.name] for m in chosen})
                for r in self.recordings
            ],
        )

    def in_windows_of(self, length: int) -> "DataSet":
        """The same cut into windows of `length` samples; the hop keeps its share of the length."""
        hop = max(1, round(length * self.window.hop / self.window.length))
        window = Window(length=length, hop=hop, whole=self.window.whole)
        return replace(self, window=window)


def load_dataset(name: str, path: Path | None = None, progress: Progress = SILENT) -> DataSet:
    """Load a data set by name; `path` is the file or folder it lies in, where it needs one.

    Raises:
        InputError: no data set of that name, or `path` is missing, superfluous or unusable.
    """
    module, variant = _module(name)
    dataset: DataSet = module.load(path, variant, progress)
    return dataset


def about(name: str) -> About:
    """What is known of a data set without reading it.

    Raises:
        InputError: no data set of that name.
    """
    known: About = _module(name)[0].ABOUT
    return known


def _module(name: str) -> tuple[ModuleType, str]:
    if name not in DATASETS:
        raise InputError(f"data set {name!r}: unknown", f"known: {', '.join(DATASETS)}")
    module, variant = DATASETS[name]
    return importlib.import_module(f"trainer.data.datasets.{module}"), variant
