"""Your own recordings: a folder of CSV or NPZ files, and a `midfuse.toml` that says what they are.

    title = "Dumbbells"                     # these three as you like
    licence = "CC BY 4.0"
    citation = "me, 2025"
    labels = ["curl", "press"]              # the classes in order; left out: all that are found
    test_subjects = ["3"]                   # the usual split; left out: folds by subject
    label_column = "exercise"               # or {label} in the files' names
    subject_column = "who"                  # or {subject} in the files' names
    rate_hz = 50                            # of the model's inputs; left out: the fastest sensor's

    [window]
    length = 100                            # samples
    hop = 50
    whole = false                           # true: a recording is one window, stretched to length

    [modalities.acc]                        # one table a modality, in the order of the inputs
    files = "{subject}/{take}_watch.csv"    # below the folder; {fields} are yours to name
    columns = ["ax", "ay", "az"]
    unit = "g"
    rate_hz = 50                            # how often the sensor samples
    time = "t"                              # a column of time stamps; left out: all start together
    time_unit = "ms"                        # s (unless said), ms, us or ns
    device = "watch"                        # sensors of one housing turn together
    array = "acc"                           # NPZ only: an array (samples, columns) of the columns

Files whose {fields} agree belong to one recording; modalities may share a file or have their own,
at different rates. Time stamps are made steady (see `clock`), everything is brought onto one clock,
and a recording is cut where its label changes, where its subject changes, and at gaps. An empty
label means none. In an NPZ, a column is an array (samples,) of that name, or one value for all.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from midfuse.core.card import Modality
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import About, DataSet, Recording
from trainer.data.datasets.archive import Archive, Member, open_archive
from trainer.data.datasets.clock import (
    LONGEST_WAIT,
    Stretch,
    Track,
    nearest,
    overlaps,
    resampled,
    runs,
    stretches,
)
from trainer.data.datasets.folder_toml import Description, Sensor, pattern_of, read_description
from trainer.data.datasets.tables import mended, numbers, read_arrays, read_csv, tidied, undoubled

ABOUT = About(
    title="Your own recordings",
    licence="not stated",
    citation="not stated",
    download="your sensors",
    layout="a folder of CSV or NPZ files with a midfuse.toml (docs/data.md)",
)

_MOST_BYTES = 1 << 30
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

EMPTY = "files without samples, left out"
INCOMPLETE = "recordings that lack a modality, left out"
UNLABELLED = "samples without a label, left out"
UNEQUAL = f"recordings whose modalities differ by up to {LONGEST_WAIT} s, cut to the shortest"


def load(path: Path | None, variant: str, progress: Progress = SILENT) -> DataSet:
    """Read the folder as its `midfuse.toml` says.

    Raises:
        InputError: no path, no or a wrong `midfuse.toml`, or a file that cannot be used.
    """
    repairs: Counter[str] = Counter()
    with open_archive("folder", path, ABOUT) as archive:
        tomls = archive.find(r"(?:.*/)?midfuse\.toml")
        if not tomls:
            raise archive.nothing("midfuse.toml")
        if len(tomls) > 1:
            raise InputError(f"{tomls[1].where}: the second midfuse.toml", "name one's folder")
        description = read_description(tomls[0])
        found = _recordings(archive, tomls[0], description, repairs)
        labelled: list[tuple[Recording, str]] = []
        with progress.task("reading the folder", total=len(found)) as task:
            for fields, members in found:
                labelled += _read(fields, members, description, repairs)
                task.advance()
        if not labelled:
            raise InputError(f"{tomls[0].where}: no labelled recording found", "correct it")
        labels = description.labels or sorted({label for _, label in labelled})
        code = {label: at for at, label in enumerate(labels)}
        dataset = DataSet(
            name=archive.path.resolve().name.removesuffix(".zip"),
            about=About(
                description.title,
                description.licence,
                description.citation,
                ABOUT.download,
                ABOUT.layout,
            ),
            modalities=[
                Modality(
                    name=name,
                    channels=sensor.columns,
                    unit=sensor.unit,
                    rate_hz=description.clock_hz,
                    device=sensor.device,
                    joints=sensor.joints,
                )
                for name, sensor in description.modalities.items()
            ],
            recordings=[
                Recording.of_one(code[label], r.signals, r.subject) for r, label in labelled
            ],
            labels=labels,
            window=description.window,
            test_subjects=description.test_subjects,
            repairs=+repairs,
        )
    for subject in set(dataset.test_subjects).difference(dataset.subjects):
        raise InputError(
            f"{tomls[0].where}: test_subjects: nobody is called {subject}", "correct it"
        )
    return dataset


_Fields = tuple[tuple[str, str], ...]


def _recordings(
    archive: Archive, toml: Member, description: Description, repairs: Counter[str]
) -> list[tuple[_Fields, dict[str, Member]]]:
    """The files of each recording by modality, told apart by their names' fields."""
    base = re.escape(toml.name.removesuffix("midfuse.toml"))
    found: dict[_Fields, dict[str, Member]] = {}
    for name, sensor in description.modalities.items():
        members = archive.by_key(base + pattern_of(sensor.files), _fields_of, _MOST_BYTES, repairs)
        if not members:
            raise InputError(
                f"{toml.where}: modalities.{name}.files: nothing is called {sensor.files}",
                "correct the name",
            )
        for fields, member in members.items():
            found.setdefault(fields, {})[name] = member
    return list(found.items())


def _fields_of(member: Member) -> _Fields:
    return tuple(sorted(member.match.groupdict().items()))


@dataclass(frozen=True)
class _Part:
    """One modality's rows of one subject."""

    where: str
    table: pd.DataFrame
    sensor: Sensor


def _read(
    fields: _Fields, members: dict[str, Member], description: Description, repairs: Counter[str]
) -> Iterator[tuple[Recording, str]]:
    """The recordings that a set of files holds, each with its label."""
    named = dict(fields)
    by_subject: dict[tuple[str, int], dict[str, _Part]] = {}
    for name, member in members.items():
        sensor = description.modalities[name]
        # The first modality's file says the label for all.
        labelled = description.label_column if name == next(iter(description.modalities)) else None
        text = [c for c in (labelled, description.subject_column) if c is not None]
        table = _table(member, sensor, text, repairs)
        if len(table) == 0:
            repairs[EMPTY] += 1
        for key, part in _by_subject(member.where, table, description, named):
            by_subject.setdefault(key, {})[name] = _Part(member.where, part, sensor)
    for (subject, _), parts in by_subject.items():
        if parts.keys() == description.modalities.keys():
            ordered = {name: parts[name] for name in description.modalities}
            yield from _cut(subject, named.get("label"), ordered, description, repairs)
        else:
            repairs[INCOMPLETE] += 1


def _table(member: Member, sensor: Sensor, text: list[str], repairs: Counter[str]) -> pd.DataFrame:
    columns = [*sensor.columns, *([sensor.time] if sensor.time else []), *text]
    content = member.read(_MOST_BYTES)
    if member.name.lower().endswith(".npz"):
        table = read_arrays(content, member.where, columns, sensor.array, sensor.columns)
    else:
        table = tidied(read_csv(content, member.where, columns, text), repairs)
    table = table[list(dict.fromkeys(columns))]
    return undoubled(table, repairs) if sensor.time else table


def _by_subject(
    where: str, table: pd.DataFrame, description: Description, named: dict[str, str]
) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    """The rows of each subject, and how many changes of subject come before them."""
    column = description.subject_column
    if column is None:
        if len(table):
            yield (named["subject"], 0), table
        return
    nobody = table[column].isna().to_numpy()
    if nobody.any():
        row = table.index[int(np.argmax(nobody))]
        raise InputError(f"{where}: row {row}: {column}: empty", "say whose row it is")
    codes, names = pd.factorize(table[column])
    for turn, (code, start, stop) in enumerate(runs(codes)):
        yield (str(names[code]), turn), table.iloc[start:stop]


def _cut(
    subject: str,
    label: str | None,
    parts: dict[str, _Part],
    description: Description,
    repairs: Counter[str],
) -> Iterator[tuple[Recording, str]]:
    """One subject's modalities on one clock, cut where the label changes and at gaps."""
    tracks = [_track(part, repairs) for part in parts.values()]
    if next(iter(parts.values())).sensor.time is None:
        _as_long(list(parts.values()), tracks, repairs)
    codes, labels = _labels(next(iter(parts.values())), label, description, repairs)
    for at, chosen in overlaps(tracks, description.clock_hz):
        signals = {
            name: resampled(piece.times, track.values[piece.start : piece.stop], at)
            for name, track, piece in zip(parts, tracks, chosen, strict=True)
        }
        first = chosen[0]
        here = codes[first.start : first.stop][nearest(first.times, at)]
        for code, start, stop in runs(here):
            cut = {name: x[start:stop] for name, x in signals.items()}
            yield Recording.of_one(0, cut, subject), labels[code]


def _track(part: _Part, repairs: Counter[str]) -> Track:
    sensor, rows = part.sensor, part.table.index
    columns = [*sensor.columns, *([sensor.time] if sensor.time else [])]
    values = mended(numbers(part.table, columns, part.where), part.where, rows, repairs)
    if sensor.time is None:
        times = np.arange(len(values)) / sensor.rate_hz
        return Track(values, [Stretch(0, len(values), times)])
    stamps = values[:, -1] * _SECONDS[sensor.time_unit]
    return Track(values[:, :-1], stretches(stamps, sensor.rate_hz, part.where, rows, repairs))


def _as_long(parts: list[_Part], tracks: list[Track], repairs: Counter[str]) -> None:
    """Without time stamps, what starts together should end together."""
    seconds = [
        len(track.values) / part.sensor.rate_hz for part, track in zip(parts, tracks, strict=True)
    ]
    short, long = int(np.argmin(seconds)), int(np.argmax(seconds))
    if seconds[long] - seconds[short] > LONGEST_WAIT:
        raise InputError(
            f"{parts[short].where}: row {parts[short].table.index[-1]}: ends after"
            f" {seconds[short]:.3f} s, but {parts[long].where} after {seconds[long]:.3f} s",
            "correct rate_hz, or give time stamps",
        )
    # Less than a sample of the slowest is no difference.
    slowest = 1 / min(part.sensor.rate_hz for part in parts)
    repairs[UNEQUAL] += int(seconds[long] - seconds[short] >= slowest)


def _labels(
    part: _Part, label: str | None, description: Description, repairs: Counter[str]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The label of each row as a code, -1 for none, and what the codes stand for."""
    if label is not None:
        codes, names = np.zeros(len(part.table), np.int64), [label]
    else:
        codes, found = pd.factorize(part.table[description.label_column])
        codes, names = codes.astype(np.int64), [str(name) for name in found]
        repairs[UNLABELLED] += int((codes < 0).sum())
    for code, name in enumerate(names):
        if description.labels is not None and name not in description.labels:
            row = part.table.index[int(np.argmax(codes == code))]
            raise InputError(
                f"{part.where}: row {row}: label {name[:40]!r}: not among midfuse.toml's labels",
                f"known: {', '.join(description.labels)}",
            )
    return codes, names
