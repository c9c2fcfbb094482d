"""Damaged archives and recordings: each mended and counted, or refused with file and row."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_BZIP2

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midfuse.core.errors import InputError
from tests.trainer import archives
from tests.trainer.archives import Files
from trainer.data.datasets import DataSet, archive, clock, load_dataset, tables
from trainer.data.datasets import folder as own
from trainer.data.datasets import sp_sw_har as spsw
from trainer.data.datasets import uci_hapt as hapt
from trainer.data.datasets import utd_mhad as utd

SETS: dict[str, Callable[[], Files]] = {
    "utd-mhad": archives.utd_mhad,
    "uci-hapt-12": archives.uci_hapt,
    "sp-sw-har": archives.sp_sw_har,
    "folder": archives.folder,
}

Damage = Callable[[Files], None]


@dataclass(frozen=True)
class Case:
    """A damage and what comes of it: the repairs, or what the error says."""

    name: str
    dataset: str
    damage: Damage
    outcome: dict[str, int] | str


def sound(dataset: DataSet) -> None:
    """What every other part may rely on."""
    assert dataset.recordings
    for recording in dataset.recordings:
        assert list(recording.signals) == [m.name for m in dataset.modalities]
        assert recording.labels.dtype == np.int64
        assert ((recording.labels >= 0) & (recording.labels < len(dataset.labels))).all()
        assert recording.subject
        for modality in dataset.modalities:
            signal = recording.signals[modality.name]
            assert signal.shape == (len(recording), len(modality.channels))
            assert signal.dtype == np.float32
            assert np.isfinite(signal).all()
        assert len(recording) > 0
    assert all(count > 0 for count in dataset.repairs.values())


# Ways to damage files.


def put(name: str, content: bytes | str) -> Damage:
    return lambda files: files.update(
        {name: content.encode() if isinstance(content, str) else content}
    )


def drop(*names: str) -> Damage:
    def damage(files: Files) -> None:
        for name in names:
            del files[name]

    return damage


def copy(source: str, name: str, change: bytes = b"") -> Damage:
    return lambda files: files.update({name: files[source] + change})


def lines(name: str, change: Callable[[list[str]], list[str]]) -> Damage:
    """Change a file's lines, the header being line 0."""

    def damage(files: Files) -> None:
        text = files[name].decode().splitlines()
        files[name] = ("\n".join(change(text)) + "\n").encode()

    return damage


def row(name: str, number: int, change: Callable[[str], str]) -> Damage:
    """Change one row, counted from 1."""
    return lines(name, lambda t: [*t[: number - 1], change(t[number - 1]), *t[number:]])


def cells(name: str, first: int, count: int, column: int, value: str) -> Damage:
    """Set a column's cells in some rows of a CSV."""

    def change(text: list[str]) -> list[str]:
        for at in range(first - 1, first - 1 + count):
            parts = text[at].split(",")
            parts[column] = value
            text[at] = ",".join(parts)
        return text

    return lines(name, change)


def shifted(name: str, first: int, last: int, milliseconds: int) -> Damage:
    """Move the time stamps of some rows."""

    def change(text: list[str]) -> list[str]:
        for at in range(first - 1, min(last, len(text))):
            *rest, stamp, label = text[at].split(",")
            text[at] = ",".join([*rest, str(int(stamp) + milliseconds), label])
        return text

    return lines(name, change)


def both(*damages: Damage) -> Damage:
    def damage(files: Files) -> None:
        for each in damages:
            each(files)

    return damage


def unit(rows: slice, value: float) -> bytes:
    values = archives.waves(60, 6, 1)
    values[rows, 2] = value
    return archives.mat(d_iner=values)


I1 = "Inertial/a1_s1_t1_inertial.mat"
S1 = "Skeleton/a1_s1_t1_skeleton.mat"
A1, G1 = "RawData/acc_exp01_user01.txt", "RawData/gyro_exp01_user01.txt"
LABELS = "RawData/labels.txt"
PHONE, WATCH = "DATA/s01/s01_01_sp.csv", "DATA/s01/s01_01_sw.csv"
WRIST, CHEST = "ann/1_wrist.csv", "ann/1_chest.csv"
TOML = "midfuse.toml"


def toml(old: str, new: str) -> Damage:
    return lambda files: files.update({TOML: files[TOML].replace(old.encode(), new.encode())})


def whole_archive() -> bytes:
    content = io.BytesIO()
    np.savez(content, values=np.array([{}], object))
    return content.getvalue()


CASES = [
    # UTD-MHAD
    Case("a clip is noise", "utd-mhad", put(I1, b"\x07" * 400), f"{I1}: not a usable .mat"),
    Case(
        "a clip is cut off",
        "utd-mhad",
        lambda files: files.update({I1: files[I1][:200]}),
        f"{I1}: not a usable .mat",
    ),
    Case("a clip is of no bytes", "utd-mhad", put(S1, b""), f"{S1}: not a usable .mat"),
    Case(
        "another variable",
        "utd-mhad",
        put(I1, archives.mat(d_other=np.zeros((60, 6)))),
        f"{I1}: d_iner: no array of numbers",
    ),
    Case(
        "text for numbers",
        "utd-mhad",
        put(I1, archives.mat(d_iner=np.array(["a", "b"], object))),
        f"{I1}: d_iner: no array of numbers",
    ),
    Case(
        "a channel is missing",
        "utd-mhad",
        put(I1, archives.mat(d_iner=np.zeros((60, 5)))),
        f"{I1}: d_iner: 60 x 5, not T x 6",
    ),
    Case(
        "a joint is missing",
        "utd-mhad",
        put(S1, archives.mat(d_skel=np.zeros((19, 3, 25)))),
        f"{S1}: d_skel: 19 x 3 x 25, not 20 x 3 x T",
    ),
    Case(
        "a clip without samples",
        "utd-mhad",
        put(I1, archives.mat(d_iner=np.zeros((0, 6)))),
        {utd.EMPTY: 1},
    ),
    Case(
        "a clip of one frame",
        "utd-mhad",
        put(S1, archives.mat(d_skel=np.zeros((20, 3, 1)))),
        {utd.EMPTY: 1},
    ),
    Case("the camera missed a clip", "utd-mhad", drop(S1), {utd.UNPAIRED: 1}),
    Case(
        "three samples are NaN",
        "utd-mhad",
        put(I1, unit(slice(10, 13), np.nan)),
        {tables.MISSING: 3},
    ),
    Case(
        "a sample is infinite",
        "utd-mhad",
        put(I1, unit(slice(59, 60), np.inf)),
        {tables.MISSING: 1},
    ),
    Case(
        "half a second is NaN",
        "utd-mhad",
        put(I1, unit(slice(10, 35), np.nan)),
        f"{I1}: row 11: 25 rows with missing values",
    ),
    Case(
        "a 28th action",
        "utd-mhad",
        copy(I1, "Inertial/a28_s1_t1_inertial.mat"),
        "Inertial/a28_s1_t1_inertial.mat: action 28: there are 1 to 27",
    ),
    Case(
        "a ninth subject",
        "utd-mhad",
        copy(I1, "Inertial/a1_s9_t1_inertial.mat"),
        "Inertial/a1_s9_t1_inertial.mat: subject 9: there are 1 to 8",
    ),
    Case("a file is there twice", "utd-mhad", copy(I1, f"copy/{I1}"), {archive.SAME_CONTENT: 1}),
    Case(
        "two files of one clip",
        "utd-mhad",
        put("again/a1_s1_t1_inertial.mat", archives.mat(d_iner=np.ones((60, 6)))),
        "again/a1_s1_t1_inertial.mat: not the same as",
    ),
    Case("a file far too large", "utd-mhad", put(I1, b"\0" * 300_000), f"{I1}: over 262,144 bytes"),
    Case(
        "a small file that swells",
        "utd-mhad",
        put(I1, archives.mat(d_iner=np.zeros((300_000, 6)))),
        f"{I1}: d_iner: 300000 x 6, not T x 6",
    ),
    Case(
        "only the joint order",
        "utd-mhad",
        drop(*(name for name in archives.utd_mhad() if name.endswith(".mat"))),
        "_skeleton.mat not found; name a folder with Inertial.zip",
    ),
    # UCI HAPT
    Case("no gyroscope", "uci-hapt-12", drop(G1), f"{A1}: no gyro file beside it"),
    Case("no accelerometer", "uci-hapt-12", drop(A1), f"{G1}: no acc file beside it"),
    Case(
        "three samples short",
        "uci-hapt-12",
        lines(G1, lambda t: t[:-3]),
        {hapt.UNEQUAL: 1, hapt.OVERHANGING: 1},
    ),
    Case(
        "fifty samples short",
        "uci-hapt-12",
        lines(G1, lambda t: t[:-50]),
        f"{G1}: 250 rows, but 300 of the other sensor",
    ),
    Case(
        "the last row is cut off",
        "uci-hapt-12",
        row(A1, 300, lambda text: text.split()[0]),
        {tables.MISSING: 1},
    ),
    Case(
        "a word for a number",
        "uci-hapt-12",
        row(A1, 7, lambda text: "left " + text.split(maxsplit=1)[1]),
        f"{A1}: row 7: 0: 'left' is not a number",
    ),
    Case(
        "a cell too many",
        "uci-hapt-12",
        row(A1, 9, lambda text: text + " 1.0"),
        f"{A1}: row 9: 4 cells, not 3",
    ),
    Case(
        "a column is missing",
        "uci-hapt-12",
        lines(A1, lambda t: [line.rsplit(maxsplit=1)[0] for line in t]),
        f"{A1}: row 1: 2 columns, not 3",
    ),
    Case("an empty file", "uci-hapt-12", put(G1, b""), f"{G1}: empty"),
    Case(
        "bytes that are no text",
        "uci-hapt-12",
        put(G1, b"\xff\xfe\x00\x81" * 99),
        f"{G1}: not a table",
    ),
    Case(
        "a blank row", "uci-hapt-12", lines(A1, lambda t: [*t[:20], "", *t[20:]]), {tables.BLANK: 1}
    ),
    Case("blank rows at the end", "uci-hapt-12", lines(A1, lambda t: [*t, "", ""]), {}),
    Case(
        "no labels",
        "uci-hapt-12",
        drop(LABELS),
        "RawData/labels.txt not found; name the publisher's",
    ),
    Case(
        "a 13th activity",
        "uci-hapt-12",
        row(LABELS, 2, lambda _: "1 1 13 151 200"),
        f"{LABELS}: row 2: activity 13: there are 1 to 12",
    ),
    Case(
        "a 31st subject",
        "uci-hapt-12",
        row(LABELS, 2, lambda _: "1 31 7 151 200"),
        f"{LABELS}: row 2: subject 31: there are 1 to 30",
    ),
    Case(
        "a segment outside its recording",
        "uci-hapt-12",
        row(LABELS, 3, lambda _: "1 1 4 201 350"),
        f"{LABELS}: row 3: ends at sample 350, its recording at 300",
    ),
    Case(
        "a segment a little too long",
        "uci-hapt-12",
        row(LABELS, 3, lambda _: "1 1 4 201 303"),
        {hapt.OVERHANGING: 1},
    ),
    Case(
        "a segment backwards",
        "uci-hapt-12",
        row(LABELS, 1, lambda _: "1 1 5 150 11"),
        f"{LABELS}: row 1: ends at sample 11, before it begins",
    ),
    Case(
        "segments overlap",
        "uci-hapt-12",
        row(LABELS, 2, lambda _: "1 1 7 150 200"),
        f"{LABELS}: row 2: overlaps the segment of row 1",
    ),
    Case(
        "a recording is missing",
        "uci-hapt-12",
        row(LABELS, 4, lambda _: "9 2 1 1 300"),
        f"{LABELS}: row 4: recording 9 of subject 2 is missing",
    ),
    Case(
        "a segment twice",
        "uci-hapt-12",
        lines(LABELS, lambda t: [*t, t[0]]),
        {hapt.REPEATED: 1},
    ),
    Case(
        "a recording without a label",
        "uci-hapt-12",
        lines(LABELS, lambda t: t[:3]),
        {hapt.UNLABELLED: 1},
    ),
    Case(
        "half a sample",
        "uci-hapt-12",
        row(LABELS, 3, lambda _: "1 1 4 200.5 300"),
        f"{LABELS}: row 3: not five whole numbers",
    ),
    Case(
        "eleven class names",
        "uci-hapt-12",
        put("activity_labels.txt", "".join(f"{n} NAME{n}\n" for n in range(1, 12))),
        "activity_labels.txt: not the numbers 1 to 12",
    ),
    # SP-SW-HAR
    Case(
        "a column is gone",
        "sp-sw-har",
        lines(PHONE, lambda t: [line.split(",", 1)[1] for line in t]),
        f"{PHONE}: row 1: no column x_acc",
    ),
    Case(
        "a column is there twice",
        "sp-sw-har",
        row(PHONE, 1, lambda text: text.replace("y_acc", "x_acc")),
        f"{PHONE}: row 1: column x_acc is there twice",
    ),
    Case(
        "stamps in a burst",
        "sp-sw-har",
        both(*(shifted(PHONE, 52 + k, 52 + k, 10 * (5 - k)) for k in range(5))),
        {clock.REPEATED: 5, clock.LATE: 3},
    ),
    Case(
        "a stamp jumps back by 30 ms",
        "sp-sw-har",
        shifted(WATCH, 200, 200, -30),
        {clock.BACKWARDS: 1, clock.LATE: 1},
    ),
    Case(
        "a clock is set back by 5 s",
        "sp-sw-har",
        shifted(WATCH, 200, 999, -5000),
        f"{WATCH}: row 200: the time stamp jumps back by 4.99 s",
    ),
    Case(
        "half a second is lost",
        "sp-sw-har",
        shifted(PHONE, 300, 999, 500),
        {clock.SPLIT: 1},
    ),
    Case(
        "a stretch of ten samples between gaps",
        "sp-sw-har",
        both(shifted(PHONE, 300, 999, 1000), shifted(PHONE, 310, 999, 1000)),
        {clock.SPLIT: 2, clock.TOO_SHORT: 1},
    ),
    Case(
        "every second sample is lost",
        "sp-sw-har",
        lines(WATCH, lambda t: [t[0], *t[1::2]]),
        f"{WATCH}: row 2: 50 samples a second from here to row 201, not about 100",
    ),
    Case(
        "a clock that drifts by 3 %",
        "sp-sw-har",
        put(WATCH, archives.csv(archives.SP_SW_HEADER, archives.sp_sw_rows(103))),
        {clock.DRIFTING: 1, spsw.DISPUTED: 0},
    ),
    Case("two cells are NaN", "sp-sw-har", cells(PHONE, 50, 2, 3, "nan"), {tables.MISSING: 2}),
    Case("a stamp is missing", "sp-sw-har", cells(PHONE, 50, 1, 6, ""), {tables.MISSING: 1}),
    Case(
        "a fifth of a second is NaN",
        "sp-sw-har",
        cells(PHONE, 50, 20, 3, "nan"),
        f"{PHONE}: row 50: 20 rows with missing values",
    ),
    Case(
        "a word for a number",
        "sp-sw-har",
        cells(PHONE, 77, 1, 3, "high"),
        f"{PHONE}: row 77: x_gyro: 'high' is not a number",
    ),
    Case(
        "an exponent that crashes pandas",
        "sp-sw-har",
        cells(PHONE, 77, 1, 3, "-0.31e40057533980443"),
        {tables.MISSING: 1},
    ),
    Case(
        "an unknown label",
        "sp-sw-har",
        cells(PHONE, 60, 3, 7, "FLYING"),
        f"{PHONE}: row 60: label 'FLYING': unknown",
    ),
    Case(
        "rows without a label",
        "sp-sw-har",
        both(cells(PHONE, 60, 5, 7, ""), cells(WATCH, 60, 5, 7, "")),
        {spsw.UNLABELLED: 5},
    ),
    Case(
        "phone and watch disagree",
        "sp-sw-har",
        cells(PHONE, 202, 6, 7, "SEATED"),
        {spsw.DISPUTED: 6},
    ),
    Case(
        "the watch has no label for a while",
        "sp-sw-har",
        cells(WATCH, 60, 5, 7, ""),
        {spsw.DISPUTED: 5},
    ),
    Case(
        "rows twice",
        "sp-sw-har",
        lines(PHONE, lambda t: [*t[:90], t[89], *t[90:]]),
        {tables.DOUBLED: 1},
    ),
    Case(
        "a blank row",
        "sp-sw-har",
        lines(PHONE, lambda t: [*t[:90], "", *t[90:]]),
        {tables.BLANK: 1},
    ),
    Case(
        "a 24th subject",
        "sp-sw-har",
        copy(PHONE, "DATA/s24/s24_01_sp.csv"),
        "DATA/s24/s24_01_sp.csv: subject 24: there are 1 to 23",
    ),
    Case(
        "an execution without a watch",
        "sp-sw-har",
        copy(PHONE, "DATA/s02/s02_01_sp.csv"),
        {spsw.UNPAIRED: 1},
    ),
    Case(
        "a header without rows",
        "sp-sw-har",
        both(
            copy(PHONE, "DATA/s02/s02_01_sp.csv"),
            put("DATA/s02/s02_01_sw.csv", archives.SP_SW_HEADER + "\n"),
        ),
        {spsw.EMPTY: 1, spsw.UNPAIRED: 1},
    ),
    Case(
        "a row is longer than the header",
        "sp-sw-har",
        row(PHONE, 12, lambda text: text + ",1"),
        f"{PHONE}: row 12: 9 cells, not 8",
    ),
    Case(
        "every row is longer than the header",
        "sp-sw-har",
        lines(PHONE, lambda t: [t[0], *(line + ",1" for line in t[1:])]),
        f"{PHONE}: not a table of text",
    ),
    # Your own folder
    Case("no midfuse.toml", "folder", drop(TOML), "midfuse.toml not found; name a folder of CSV"),
    Case("not TOML", "folder", put(TOML, "labels = ["), f"{TOML}: not TOML"),
    Case(
        "an unknown field",
        "folder",
        toml("hop = 10", "hop = 10\nhops = 2"),
        f"{TOML}: window.hops: ",
    ),
    Case(
        "no unit", "folder", toml('unit = "g"', ""), f"{TOML}: modalities.acc.unit: Field required"
    ),
    Case(
        "a rate of 0",
        "folder",
        toml("rate_hz = 50", "rate_hz = 0"),
        f"{TOML}: modalities.acc.rate_hz: ",
    ),
    Case(
        "nobody says what the label is",
        "folder",
        toml('label_column = "what"', ""),
        f"{TOML}: label_column: give it, or {{label}} in all files' names, not both",
    ),
    Case(
        "no file of that name",
        "folder",
        toml("wrist.csv", "ankle.csv"),
        f"{TOML}: modalities.acc.files: nothing is called {{subject}}/{{take}}_ankle.csv",
    ),
    Case(
        "names that cannot be joined",
        "folder",
        toml("{take}_wrist", "{try}_wrist"),
        f"{TOML}: modalities.pulse.files: not the fields of modalities.acc.files",
    ),
    Case(
        "a test subject whom nobody knows",
        "folder",
        toml("[window]", 'test_subjects = ["eve"]\n[window]'),
        f"{TOML}: test_subjects: nobody is called eve",
    ),
    Case(
        "a label that is not listed",
        "folder",
        both(
            toml("[window]", 'labels = ["rest", "run"]\n[window]'), cells(WRIST, 150, 2, 2, "ran")
        ),
        f"{WRIST}: row 150: label 'ran': not among midfuse.toml's labels",
    ),
    Case(
        "a column that is missing",
        "folder",
        row(CHEST, 1, lambda _: "pulse"),
        f"{CHEST}: row 1: no column bpm; there are pulse",
    ),
    Case(
        "sensors that stop apart",
        "folder",
        lines(CHEST, lambda t: t[:-10]),
        f"{CHEST}: row 31: ends after 3.000 s, but",
    ),
    Case(
        "sensors that stop a little apart",
        "folder",
        lines(CHEST, lambda t: t[:-2]),
        {own.UNEQUAL: 1},
    ),
    Case("a modality is missing", "folder", drop(CHEST), {own.INCOMPLETE: 1}),
    Case(
        "a file without samples",
        "folder",
        lines(CHEST, lambda t: t[:1]),
        {own.EMPTY: 1, own.INCOMPLETE: 1},
    ),
    Case("no label for a while", "folder", cells(WRIST, 40, 7, 2, ""), {own.UNLABELLED: 7}),
    Case(
        "nobody's row",
        "folder",
        both(
            toml("{subject}/{take}_", "{where}/{take}_"),
            toml("[window]", 'subject_column = "what"\n[window]'),
            cells(WRIST, 40, 1, 2, ""),
        ),
        f"{WRIST}: row 40: what: empty",
    ),
    Case(
        "an NPZ of Python objects",
        "folder",
        both(toml("chest.csv", "chest.npz"), put("ann/1_chest.npz", whole_archive())),
        "ann/1_chest.npz: not a usable .npz (Object arrays cannot be loaded",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.dataset}: {case.name}")
@pytest.mark.parametrize("packed", [True, False], ids=["zipped", "unpacked"])
def test_damage_is_mended_and_counted_or_refused(case: Case, packed: bool, tmp_path: Path) -> None:
    files = SETS[case.dataset]()
    case.damage(files)
    path = (
        archives.zipped(files, tmp_path / "set.zip")
        if packed
        else archives.unpacked(files, tmp_path / "set")
    )
    if isinstance(case.outcome, str):
        with pytest.raises(InputError) as raised:
            load_dataset(case.dataset, path)
        assert case.outcome in str(raised.value)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)
    else:
        dataset = load_dataset(case.dataset, path)
        sound(dataset)
        assert dataset.repairs == {what: n for what, n in case.outcome.items() if n}


@pytest.mark.parametrize("name", SETS)
def test_what_is_whole_needs_no_repair(name: str, tmp_path: Path) -> None:
    dataset = load_dataset(name, archives.unpacked(SETS[name](), tmp_path))
    sound(dataset)
    assert not dataset.repairs


@pytest.mark.parametrize("name", [name for name in SETS if name != "folder"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_folder_with_a_zip_in_it_will_do(name: str, wrapped: bool, tmp_path: Path) -> None:
    (tmp_path / "download").mkdir()
    path = archives.zipped(SETS[name](), tmp_path / "download" / "from the publisher.zip")
    if wrapped:
        archives.zipped({"inner.zip": path.read_bytes()}, path)
    zipped, plain = (
        load_dataset(name, tmp_path),
        load_dataset(name, archives.unpacked(SETS[name](), tmp_path / "unpacked")),
    )
    assert not zipped.repairs
    assert len(zipped.recordings) == len(plain.recordings)
    for one, other in zip(zipped.recordings, plain.recordings, strict=False):
        for key, signal in one.signals.items():
            np.testing.assert_array_equal(signal, other.signals[key])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("keep", "problem"),
    [(0.5, "not a usable .zip"), (0.99, "not a usable .zip"), (0.0, "not a us")],
)
def test_an_archive_that_is_cut_off_is_refused(
    name: str, keep: float, problem: str, tmp_path: Path
) -> None:
    path = archives.zipped(SETS[name](), tmp_path / "cut.zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(InputError, match=f"cut.zip: {problem}"):
        load_dataset(name, path)


@pytest.mark.parametrize("name", SETS)
def test_a_byte_that_changed_in_an_archive_is_noticed(name: str, tmp_path: Path) -> None:
    path = archives.zipped(SETS[name](), tmp_path / "set.zip")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"set\.zip: .*: cannot be read \("):
        load_dataset(name, path)


def test_a_method_of_compression_without_a_limit_is_refused(tmp_path: Path) -> None:
    path = archives.zipped(archives.uci_hapt(), tmp_path / "set.zip", ZIP_BZIP2)
    with pytest.raises(InputError, match=r"labels\.txt: cannot be read \(compression method 12\)"):
        load_dataset("uci-hapt", path)


def test_an_archive_cannot_say_less_than_it_holds(tmp_path: Path) -> None:
    files = archives.uci_hapt()
    files[LABELS] = b"1 1 5 1 100\n" * 2_000_000
    with pytest.raises(InputError, match=r"labels\.txt: over 16,777,216 bytes"):
        load_dataset("uci-hapt", archives.zipped(files, tmp_path / "set.zip"))


@pytest.mark.parametrize("name", SETS)
def test_a_place_where_nothing_lies_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"data set {name}: `data` is missing; get it at .*names"):
        load_dataset(name)
    with pytest.raises(InputError, match=r"gone: no such file or folder; get it at .*names"):
        load_dataset(name, tmp_path / "gone")
    with pytest.raises(InputError, match=r"not found; name "):
        load_dataset(name, tmp_path)
    text = tmp_path / "notes.txt"
    text.write_text("not an archive")
    with pytest.raises(InputError, match=r"notes\.txt: not a usable \.zip"):
        load_dataset(name, text)


@pytest.mark.parametrize("name", SETS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_random_damage_is_an_input_error_or_leaves_a_sound_set(
    name: str, tmp_path: Path, data: st.DataObject
) -> None:
    files = SETS[name]()
    for _ in range(data.draw(st.integers(0, 3))):
        chosen = data.draw(st.sampled_from(sorted(files)))
        content = bytearray(files[chosen])
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        # Pieces that mean something in a table, and any byte.
        piece = data.draw(
            st.sampled_from([b"", b"\n", b",", b" ", b"-", b"e9", b"nan", b"1e400", b'"', b"\0"])
            | st.binary(max_size=3)
        )
        content[at : at + data.draw(st.integers(0, 40))] = piece
        files[chosen] = bytes(content)
    path = archives.zipped(files, tmp_path / "damaged.zip")
    if data.draw(st.booleans()):
        packed = bytearray(path.read_bytes())
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(packed[: data.draw(st.integers(1, len(packed)))])
    # Any other exception fails the test.
    with contextlib.suppress(InputError):
        sound(load_dataset(name, path))


def test_two_files_of_one_recording_are_refused_unless_they_are_the_same(tmp_path: Path) -> None:
    path = archives.unpacked(archives.folder(), tmp_path / "own")
    chest = {CHEST: (path / CHEST).read_bytes()}
    archives.zipped(chest, path / "more.zip")
    assert load_dataset("folder", path).repairs == {archive.SAME_CONTENT: 1}
    archives.zipped({CHEST: chest[CHEST].replace(b"60.", b"61.")}, path / "more.zip")
    with pytest.raises(InputError, match=r"more\.zip: ann/1_chest\.csv: not the same as"):
        load_dataset("folder", path)
