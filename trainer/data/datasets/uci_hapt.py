"""UCI HAPT: 30 people with a phone at the waist, six activities and six transitions, 50 Hz.

A recording here is one labelled segment. With the six activities alone, windows of 128 samples
every 64, and the publisher's test subjects, this is the protocol of UCI-HAR rebuilt from HAPT (its
class counts come within 4 % of UCI-HAR's).
"""

from collections import Counter
from pathlib import Path

import numpy as np

from midfuse.core.card import Modality, Window
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import About, DataSet, Recording
from trainer.data.datasets.archive import Archive, Member, open_archive
from trainer.data.datasets.tables import (
    Floats,
    mended,
    numbers,
    read_plain,
    tidied,
)

ABOUT = About(
    title="UCI HAPT: activities and postural transitions, a phone at the waist",
    licence="to be cited, as is, not for commercial use",
    citation="Reyes-Ortiz, Oneto, Sama, Parra, Anguita, Neurocomputing 171 (2016) 754-767",
    download="https://archive.ics.uci.edu/dataset/341",
    layout="the publisher's .zip, or the folder it unpacks to, with RawData in it",
)

ACTIVITIES = (
    "WALKING",
    "WALKING_UPSTAIRS",
    "WALKING_DOWNSTAIRS",
    "SITTING",
    "STANDING",
    "LAYING",
    "STAND_TO_SIT",
    "SIT_TO_STAND",
    "SIT_TO_LIE",
    "LIE_TO_SIT",
    "STAND_TO_LIE",
    "LIE_TO_STAND",
)
_SUBJECTS = 30
_RATE_HZ = 50.0
_MOST_BYTES = 16 << 20
# The two sensors' files, and the last segment's end, may differ by a tenth of a second.
_MOST_MISSING_AT_END = 5

UNEQUAL = "recordings whose sensors differ by a few samples, cut to the shorter"
OVERHANGING = "segments a few samples longer than their recording, cut"
REPEATED = "rows of labels.txt that repeat, left out"
UNLABELLED = "recordings without a label, left out"


def load(path: Path | None, variant: str, progress: Progress = SILENT) -> DataSet:
    """Read all segments; `variant` is how many of the twelve classes to keep, "6" or "12".

    Raises:
        InputError: nothing there, or a file that cannot be used.
    """
    name = "uci-hapt" if variant == "6" else f"uci-hapt-{variant}"
    repairs: Counter[str] = Counter()
    with open_archive(name, path, ABOUT) as archive:
        files = {sensor: _recordings(archive, sensor, repairs) for sensor in ("acc", "gyro")}
        for here, there in (("acc", "gyro"), ("gyro", "acc")):
            for key in files[here].keys() - files[there].keys():
                raise InputError(
                    f"{files[here][key].where}: no {there} file beside it", "download it again"
                )
        labels = archive.by_key(r"(?:.*/)?labels\.txt", lambda _: 0, _MOST_BYTES, repairs)
        if not labels:
            raise archive.nothing("RawData/labels.txt")
        segments = _Segments(labels[0], repairs)
        classes = _class_names(archive, repairs)[: int(variant)]
        recordings = []
        with progress.task(f"reading {name}", total=len(files["acc"])) as task:
            for key in sorted(files["acc"]):
                mine = segments.of(key, repairs)
                signals = {}
                if mine:
                    signals = _equally_long({s: files[s][key] for s in files}, repairs)
                for row, label, start, stop in mine:
                    stop = segments.within(len(signals["acc"]), row, stop, repairs)
                    if label < len(classes):
                        parts = {s: x[start:stop].astype(np.float32) for s, x in signals.items()}
                        recordings.append(Recording.of_one(label, parts, str(key[1])))
                task.advance()
        segments.all_found()
        if not recordings:
            raise archive.nothing("a labelled recording")
    return DataSet(
        name=name,
        about=ABOUT,
        modalities=[
            Modality(
                name="acc", channels=["ax", "ay", "az"], unit="g", rate_hz=_RATE_HZ, device="phone"
            ),
            Modality(
                name="gyro",
                channels=["wx", "wy", "wz"],
                unit="rad/s",
                rate_hz=_RATE_HZ,
                device="phone",
            ),
        ],
        recordings=recordings,
        labels=classes,
        window=Window(length=128, hop=64),
        test_subjects=["2", "4", "9", "10", "12", "13", "18", "20", "24"],
        repairs=+repairs,
    )


_Key = tuple[int, int]
"""Number of the recording, and of its subject."""


def _recordings(archive: Archive, sensor: str, repairs: Counter[str]) -> dict[_Key, Member]:
    def key(member: Member) -> _Key:
        recording, subject = (int(number) for number in member.match.groups())
        if not 1 <= subject <= _SUBJECTS:
            raise InputError(
                f"{member.where}: subject {subject}: there are 1 to {_SUBJECTS}",
                "take the file away",
            )
        return recording, subject

    pattern = rf"(?:.*/)?{sensor}_exp(\d{{1,9}})_user(\d{{1,9}})\.txt"
    found = archive.by_key(pattern, key, _MOST_BYTES, repairs)
    if not found:
        raise archive.nothing(f"files RawData/{sensor}_expEE_userUU.txt")
    return found


def _equally_long(members: dict[str, Member], repairs: Counter[str]) -> dict[str, Floats]:
    signals = {}
    for sensor, member in members.items():
        table = tidied(read_plain(member.read(_MOST_BYTES), member.where, 3), repairs)
        values = numbers(table, range(3), member.where)
        signals[sensor] = mended(values, member.where, table.index, repairs)
    lengths = [len(x) for x in signals.values()]
    if max(lengths) - min(lengths) > _MOST_MISSING_AT_END:
        raise InputError(
            f"{members['gyro'].where}: {lengths[1]} rows, but {lengths[0]} of the other sensor",
            "download it again",
        )
    repairs[UNEQUAL] += int(max(lengths) > min(lengths))
    return {sensor: x[: min(lengths)] for sensor, x in signals.items()}


class _Segments:
    """The rows of labels.txt: recording, subject, class, first and last sample, all from 1."""

    def __init__(self, member: Member, repairs: Counter[str]) -> None:
        self._where = member.where
        table = tidied(read_plain(member.read(_MOST_BYTES), member.where, 5), repairs)
        cells = numbers(table, range(5), member.where)
        self._rows: dict[_Key, list[tuple[int, int, int, int]]] = {}
        seen: dict[tuple[float, ...], int] = {}
        for row, values in zip(table.index, cells.tolist(), strict=True):
            if seen.setdefault(tuple(values), row) != row:
                repairs[REPEATED] += 1
                continue
            if not all(1 <= value < 1e9 and value == int(value) for value in values):
                raise self._refuse(row, "not five whole numbers from 1")
            recording, subject, label, first, last = map(int, values)
            if subject > _SUBJECTS:
                raise self._refuse(row, f"subject {subject}: there are 1 to {_SUBJECTS}")
            if label > len(ACTIVITIES):
                raise self._refuse(row, f"activity {label}: there are 1 to {len(ACTIVITIES)}")
            if last < first:
                raise self._refuse(row, f"ends at sample {last}, before it begins")
            mine = self._rows.setdefault((recording, subject), [])
            for other, _, start, stop in mine:
                if first - 1 < stop and start < last:
                    raise self._refuse(row, f"overlaps the segment of row {other}")
            mine.append((row, label - 1, first - 1, last))

    def _refuse(self, row: int, problem: str) -> InputError:
        return InputError(f"{self._where}: row {row}: {problem}", "correct the row")

    def of(self, key: _Key, repairs: Counter[str]) -> list[tuple[int, int, int, int]]:
        """(row, label, start, stop) of a recording's segments, each given out once."""
        mine = self._rows.pop(key, [])
        repairs[UNLABELLED] += not mine
        return sorted(mine, key=lambda segment: segment[2])

    def within(self, samples: int, row: int, stop: int, repairs: Counter[str]) -> int:
        """Where a segment of a recording of so many samples stops."""
        if stop > samples + _MOST_MISSING_AT_END:
            raise self._refuse(row, f"ends at sample {stop}, its recording at {samples}")
        repairs[OVERHANGING] += stop > samples
        return min(stop, samples)

    def all_found(self) -> None:
        """Every row belongs to a recording that is there."""
        for (recording, subject), mine in self._rows.items():
            raise self._refuse(mine[0][0], f"recording {recording} of subject {subject} is missing")


def _class_names(archive: Archive, repairs: Counter[str]) -> list[str]:
    found = archive.by_key(r"(?:.*/)?activity_labels\.txt", lambda _: 0, _MOST_BYTES, repairs)
    if not found:
        return list(ACTIVITIES)
    table = tidied(read_plain(found[0].read(_MOST_BYTES), found[0].where, 2), repairs)
    names = [str(name) for name in table[1]]
    count = len(ACTIVITIES)
    if [str(number) for number in table[0]] != [str(n) for n in range(1, count + 1)]:
        raise InputError(f"{found[0].where}: not the numbers 1 to {count}", "download it again")
    if len(set(names)) != count:
        raise InputError(f"{found[0].where}: a name is there twice", "download it again")
    return names
