"""SP-SW-HAR: 23 people stand up, walk, turn and sit down with a phone and a watch, 100 Hz.

Phone (in a pocket) and watch sample on their own, at about 102.4 and 104.3 Hz; both stamp what
arrives with the same clock, the phone in bursts. Each gets a steady clock of its own and both are
brought onto one grid over the time that both have. A recording here is an execution as it went on,
through all its activities, and windows slide across their changes: a device does not know where an
activity begins either. Around a change the labels of phone and watch differ for some tens of ms.
One clock has to be chosen, and it is the phone's; which of the two makes no difference to the trees
(0.2 points of macro-F1).
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from midfuse.core.card import Modality, Window
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import About, DataSet, Recording
from trainer.data.datasets.archive import Archive, Member, open_archive
from trainer.data.datasets.clock import (
    Stretch,
    Track,
    nearest,
    overlaps,
    resampled,
    runs,
    stretches,
)
from trainer.data.datasets.tables import Floats, mended, numbers, read_csv, tidied, undoubled

ABOUT = About(
    title="SP-SW-HAR: a phone and a watch at once",
    licence="CC BY 4.0",
    citation="Matey-Sanz, Casteleyn, Granell, Data in Brief 51 (2023) 109809",
    download="https://doi.org/10.5281/zenodo.8398688",
    layout="the publisher's .zip, or the folder it unpacks to, with DATA in it",
)

LABELS = ("SEATED", "STANDING_UP", "WALKING", "TURNING", "SITTING_DOWN")
_SUBJECTS = 23
_RATE_HZ = 100.0
_COLUMNS = ("x_acc", "y_acc", "z_acc", "x_gyro", "y_gyro", "z_gyro")
_DEVICES = {"sp": "phone", "sw": "watch"}
_MOST_BYTES = 16 << 20

UNPAIRED = "executions that only phone or watch has, left out"
EMPTY = "files without samples, left out"
UNLABELLED = "instants without a label on the phone, recording split there"
DISPUTED = "instants that phone and watch label differently, taken as the phone's"


def load(path: Path | None, variant: str, progress: Progress = SILENT) -> DataSet:
    """Read all executions that phone and watch both have.

    Raises:
        InputError: nothing there, or a file that cannot be used.
    """
    repairs: Counter[str] = Counter()
    with open_archive("sp-sw-har", path, ABOUT) as archive:
        files = _executions(archive, repairs)
        executions = sorted({(subject, number) for subject, number, _ in files})
        recordings: list[Recording] = []
        with progress.task("reading sp-sw-har", total=len(executions)) as task:
            for execution in executions:
                members = [files.get((*execution, device)) for device in _DEVICES]
                phone, watch = (m and _read(m, repairs) for m in members)
                if phone and watch:
                    recordings += _aligned(phone, watch, str(execution[0]), repairs)
                else:
                    repairs[UNPAIRED] += 1
                task.advance()
        if not recordings:
            raise archive.nothing("a labelled execution that phone and watch have both")
    return DataSet(
        name="sp-sw-har",
        about=ABOUT,
        modalities=[
            Modality(
                name=f"{device}-{sensor}",
                channels=[f"{letter}{axis}" for axis in "xyz"],
                unit=unit,
                rate_hz=_RATE_HZ,
                device=device,
            )
            for device in _DEVICES.values()
            for sensor, letter, unit in (("acc", "a", "m/s²"), ("gyro", "w", "rad/s"))
        ],
        recordings=recordings,
        labels=list(LABELS),
        window=Window(length=100, hop=50),
        repairs=+repairs,
    )


def _executions(archive: Archive, repairs: Counter[str]) -> dict[tuple[int, int, str], Member]:
    def key(member: Member) -> tuple[int, int, str]:
        subject, execution = int(member.match[1]), int(member.match[2])
        if not 1 <= subject <= _SUBJECTS:
            raise InputError(
                f"{member.where}: subject {subject}: there are 1 to {_SUBJECTS}",
                "take the file away",
            )
        return subject, execution, member.match[3]

    pattern = r"(?:.*/)?s(\d{1,9})_(\d{1,9})_(sp|sw)\.csv"
    found = archive.by_key(pattern, key, _MOST_BYTES, repairs)
    if not found:
        raise archive.nothing("files DATA/sXX/sXX_YY_sp.csv and _sw.csv")
    return found


@dataclass(frozen=True)
class _Device:
    """One device's file of an execution; a label code of -1 is none."""

    name: str
    track: Track
    labels: npt.NDArray[np.int64]


def _read(member: Member, repairs: Counter[str]) -> _Device | None:
    where = member.where
    table = read_csv(member.read(_MOST_BYTES), where, [*_COLUMNS, "timestamp", "label"])
    table = undoubled(tidied(table, repairs), repairs)
    if len(table) == 0:
        repairs[EMPTY] += 1
        return None
    named = table["label"].astype(object)
    codes = named.map({label: code for code, label in enumerate(LABELS)})
    unknown = (codes.isna() & named.notna()).to_numpy()
    if unknown.any():
        row = int(np.argmax(unknown))
        raise InputError(
            f"{where}: row {table.index[row]}: label {str(named.iloc[row])[:40]!r}: unknown",
            f"known: {', '.join(LABELS)}",
        )
    rows = table.index
    values = mended(numbers(table, [*_COLUMNS, "timestamp"], where), where, rows, repairs)
    # Milliseconds since 1970.
    found = stretches(values[:, 6] / 1000, _RATE_HZ, where, rows, repairs)
    labels = codes.fillna(-1).to_numpy().astype(np.int64)
    return _Device(_DEVICES[member.match[3]], Track(values[:, :6], found), labels)


def _aligned(
    phone: _Device, watch: _Device, subject: str, repairs: Counter[str]
) -> list[Recording]:
    """What both recorded, on one grid, cut where there is no label."""
    recordings = []
    devices = (phone, watch)
    for at, pieces in overlaps([device.track for device in devices], _RATE_HZ):
        signals = {}
        for device, piece in zip(devices, pieces, strict=True):
            values = resampled(piece.times, device.track.values[piece.start : piece.stop], at)
            signals[f"{device.name}-acc"] = values[:, :3]
            signals[f"{device.name}-gyro"] = values[:, 3:]
        labels, other = (_on_grid(d, piece, at) for d, piece in zip(devices, pieces, strict=True))
        there = labels >= 0
        repairs[UNLABELLED] += int((~there).sum())
        repairs[DISPUTED] += int((there & (labels != other)).sum())
        for _, start, stop in runs(there - 1):
            parts = {name: x[start:stop] for name, x in signals.items()}
            recordings.append(Recording(parts, labels[start:stop], subject))
    return recordings


def _on_grid(device: _Device, piece: Stretch, at: Floats) -> npt.NDArray[np.int64]:
    return device.labels[piece.start : piece.stop][nearest(piece.times, at)]
