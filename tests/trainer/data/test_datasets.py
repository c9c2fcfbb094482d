"""The data sets as they are read: values, times, labels, and the publishers' own recordings."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from midfuse.core.card import Window
from midfuse.core.errors import InputError
from tests.support.paths import DOCS, SHARED
from tests.trainer import archives, numbered
from tests.trainer.conftest import Arrays
from trainer.commands import data as data_cli
from trainer.data.datasets import DATASETS, DataSet, Recording, about, load_dataset
from trainer.data.datasets import sp_sw_har as spsw
from trainer.data.datasets.clock import runs
from trainer.data.datasets.utd_mhad import JOINTS
from trainer.data.windows import count, cut

SHARED = SHARED / "data"
DOCS = DOCS / "data.md"

# Windows of UCI-HAR by class, training and test together: WALKING to LAYING.
UCI_HAR = [1722, 1544, 1406, 1777, 1906, 1944]


def real(name: str, *files: str) -> DataSet:
    """A data set from the publisher's files, where they are at hand."""
    for file in files:
        if not (SHARED / file).is_file():
            pytest.skip(f"{file} of the publisher is not in {SHARED}")
    return load_dataset(name, SHARED / files[0] if len(files) == 1 else SHARED)


def one_label(recording: Recording) -> int:
    """What a recording of one activity is labelled as."""
    (label,) = set(recording.labels.tolist())
    return int(label)


def test_the_watch_recordings_are_what_their_paper_says() -> None:
    dataset = load_dataset("seglearn-watch")
    lengths = [len(recording) for recording in dataset.recordings]
    assert (len(lengths), min(lengths), max(lengths)) == (140, 947, 2618)
    assert dataset.subjects == [str(number) for number in range(1, 11)]
    assert dataset.labels == ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]
    assert {one_label(recording) for recording in dataset.recordings} == set(range(7))
    for recording in dataset.recordings:
        assert recording.signals["acc"].shape == recording.signals["gyro"].shape
        assert recording.signals["acc"].dtype == np.float32


def test_the_watch_measures_in_g_and_rad_per_s() -> None:
    recordings = load_dataset("seglearn-watch").recordings
    acc = np.concatenate([r.signals["acc"] for r in recordings])
    gyro = np.linalg.norm(np.concatenate([r.signals["gyro"] for r in recordings]), axis=1)
    # Where the watch hardly turns, only gravity is left: 1 in g, 9.8 in m/s^2.
    assert np.median(np.linalg.norm(acc[gyro < 0.3], axis=1)) == pytest.approx(1, abs=0.05)
    # An arm swings at several rad/s; the same numbers in deg/s would be a tenth of a turn a minute.
    assert 1 < np.median(gyro) < 10


def test_utd_mhad_as_published() -> None:
    dataset = real("utd-mhad", "utd_mhad_inertial.zip", "utd_mhad_skeleton.zip")
    assert not dataset.repairs
    assert len(dataset.recordings) == 861
    assert dataset.subjects == [str(number) for number in range(1, 9)]
    assert {one_label(r) for r in dataset.recordings} == set(range(27))
    tested = sum(r.subject in dataset.test_subjects for r in dataset.recordings)
    assert (861 - tested, tested) == (431, 430)
    lengths = [len(r) for r in dataset.recordings]
    assert (min(lengths), max(lengths)) == (107, 326)
    # In g and in metres: gravity is 1, and a head is half a metre or so above the hip.
    acc = np.concatenate([r.signals["acc"] for r in dataset.recordings])
    assert np.median(np.linalg.norm(acc, axis=1)) == pytest.approx(1, abs=0.1)
    heads = [r.signals["skeleton"][0, 1] for r in dataset.recordings]
    assert 0.4 < np.median(heads) < 0.7


def test_each_device_of_utd_mhad_alone() -> None:
    inertial = real("utd-mhad", "utd_mhad_inertial.zip")
    skeleton = real("utd-mhad", "utd_mhad_skeleton.zip")
    assert [m.name for m in inertial.modalities] == ["acc", "gyro"]
    assert [m.name for m in skeleton.modalities] == ["skeleton"]
    assert len(inertial.recordings) == len(skeleton.recordings) == 861


def test_uci_har_rebuilt_from_hapt() -> None:
    dataset = real("uci-hapt", "uci_hapt.zip")
    assert not dataset.repairs
    assert len(dataset.subjects) == 30
    for label, published in enumerate(UCI_HAR):
        mine = [r for r in dataset.recordings if one_label(r) == label]
        assert abs(count(mine, dataset.window) / published - 1) <= 0.039
    assert len(cut(dataset.recordings, dataset.window)) == 10_411


def test_all_twelve_classes_of_hapt() -> None:
    dataset = real("uci-hapt-12", "uci_hapt.zip")
    assert len(dataset.recordings) == 1214
    assert dataset.labels[6:8] == ["STAND_TO_SIT", "SIT_TO_STAND"]
    acc = np.concatenate([r.signals["acc"] for r in dataset.recordings])
    assert np.median(np.linalg.norm(acc, axis=1)) == pytest.approx(1, abs=0.05)


def test_phone_and_watch_as_published() -> None:
    dataset = real("sp-sw-har", "sp_sw_har.zip")
    assert len(dataset.subjects) == 23
    assert len(dataset.modalities) == 4
    # An execution each. Some begin or end SEATED, and some labels slip for one instant.
    assert len(dataset.recordings) == 223
    for recording in dataset.recordings:
        found = [label for label, start, stop in runs(recording.labels) if stop > start + 1]
        assert [dataset.labels[label] for label in found if label] == [
            *("STANDING_UP", "WALKING", "TURNING", "WALKING", "TURNING", "SITTING_DOWN")
        ]
    labels = cut(dataset.recordings, dataset.window).labels
    assert np.bincount(labels).tolist() == [335, 541, 2233, 1027, 562]
    for device in ("phone", "watch"):
        acc = np.concatenate([r.signals[f"{device}-acc"] for r in dataset.recordings])
        assert np.median(np.linalg.norm(acc, axis=1)) == pytest.approx(9.8, abs=0.5)


def test_the_skeleton_begins_at_the_hip_and_spans_the_clip(tmp_path: Path) -> None:
    files = archives.utd_mhad()
    frames = archives.waves(60, 25, 9).reshape(20, 3, 25)
    files["Skeleton/a2_s2_t1_skeleton.mat"] = archives.mat(d_skel=frames)
    dataset = load_dataset("utd-mhad", archives.unpacked(files, tmp_path))
    recording = next(r for r in dataset.recordings if r.subject == "2")
    skeleton = recording.signals["skeleton"].reshape(60, 20, 3)
    hip = JOINTS.index("hip_center")
    moved = frames - frames[hip, :, 0][None, :, None]
    np.testing.assert_allclose(skeleton[0], moved[..., 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(skeleton[-1], moved[..., -1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(skeleton[0, hip], 0)


def test_segments_of_hapt_come_back_as_written(tmp_path: Path) -> None:
    dataset = load_dataset("uci-hapt-12", archives.unpacked(archives.uci_hapt(), tmp_path))
    found = [(r.subject, one_label(r), len(r)) for r in dataset.recordings]
    assert found == [("1", 4, 140), ("1", 6, 50), ("1", 3, 100), ("2", 0, 300)]
    acc, gyro = archives.waves(300, 3, 1), archives.waves(300, 3, 11)
    signals = dataset.recordings[0].signals
    np.testing.assert_allclose(signals["acc"], acc[10:150], rtol=1e-6)
    np.testing.assert_allclose(signals["gyro"], gyro[10:150], rtol=1e-6)
    assert len(load_dataset("uci-hapt", tmp_path).recordings) == 3


def test_phone_and_watch_meet_at_the_same_instants(tmp_path: Path) -> None:
    files = {
        f"s03/s03_07_{device}.csv": archives.csv(
            archives.SP_SW_HEADER, archives.sp_sw_rows(rate_hz)
        )
        for device, rate_hz in (("sp", 102.4), ("sw", 104.3))
    }
    dataset = load_dataset("sp-sw-har", archives.unpacked(files, tmp_path))
    (recording,) = dataset.recordings
    assert recording.subject == "3"
    phone, watch = recording.signals["phone-acc"], recording.signals["watch-acc"]
    # x tells the time: stamps are whole ms, so the two agree within one.
    np.testing.assert_allclose(np.diff(phone[:, 0]), 0.01, atol=1e-4)
    np.testing.assert_allclose(phone[:, 0], watch[:, 0], atol=1e-3)
    np.testing.assert_allclose(phone[:, 1], np.sin(2 * np.pi * phone[:, 0]), atol=5e-3)
    np.testing.assert_allclose(phone[:, 1], watch[:, 1], atol=1e-2)
    # SEATED for two seconds, then WALKING.
    clear = np.abs(phone[:, 0] - 2) > 0.01
    np.testing.assert_array_equal(recording.labels[clear], np.where(phone[:, 0] < 2, 0, 2)[clear])


def test_windows_slide_across_a_change_of_activity(tmp_path: Path) -> None:
    """Two seconds SEATED, then WALKING, on the phone; the watch says so 0.3 s later."""
    files = archives.sp_sw_har()
    late = files["DATA/s01/s01_01_sw.csv"].decode().splitlines()
    late[201:231] = [line.replace("WALKING", "SEATED") for line in late[201:231]]
    files["DATA/s01/s01_01_sw.csv"] = archives.csv(late[0], late[1:])
    dataset = load_dataset("sp-sw-har", archives.unpacked(files, tmp_path))
    assert dataset.repairs == {spsw.DISPUTED: 30}
    (recording,) = dataset.recordings
    # The first sample comes a little before the grid's first instant.
    np.testing.assert_array_equal(recording.labels, [0] * 199 + [2] * 200)
    # Windows begin every 0.5 s; of the fourth's samples, 49 are SEATED.
    assert cut(dataset.recordings, dataset.window).labels.tolist() == [0, 0, 0, 2, 2, 2]


def test_an_execution_splits_where_the_phone_has_no_label(tmp_path: Path) -> None:
    files = archives.sp_sw_har()
    phone = files["DATA/s01/s01_01_sp.csv"].decode().splitlines()
    phone[101:151] = [line.removesuffix("SEATED") for line in phone[101:151]]
    files["DATA/s01/s01_01_sp.csv"] = archives.csv(phone[0], phone[1:])
    dataset = load_dataset("sp-sw-har", archives.unpacked(files, tmp_path))
    assert dataset.repairs == {spsw.UNLABELLED: 50}
    assert [r.labels.tolist() for r in dataset.recordings] == [[0] * 99, [0] * 50 + [2] * 200]


def test_own_recordings_come_back_as_written(
    arrays: Arrays, write: Callable[[Arrays], Path]
) -> None:
    dataset = load_dataset("folder", write(arrays))
    assert dataset.name == "own"
    assert [m.name for m in dataset.modalities] == ["acc", "gyro"]
    assert dataset.modalities[1].channels == ["roll", "pitch"]
    assert dataset.about.licence == "not stated"
    assert len(dataset.recordings) == 36
    for at, recording in enumerate(dataset.recordings):
        rows = slice(300 * at, 300 * (at + 1))
        np.testing.assert_array_equal(recording.signals["acc"], arrays["acc"][rows])
        np.testing.assert_array_equal(recording.signals["gyro"], arrays["gyro"][rows])
        assert one_label(recording) == arrays["recording_labels"][at]
        assert recording.subject == str(arrays["recording_subjects"][at])


def test_own_recordings_of_two_rates_are_cut_at_labels(tmp_path: Path) -> None:
    dataset = load_dataset("folder", archives.unpacked(archives.folder(), tmp_path))
    assert dataset.labels == ["rest", "run"]
    assert [m.rate_hz for m in dataset.modalities] == [50, 50]
    # The chest's last sample is taken 0.08 s before the wrist's.
    found = [(r.subject, one_label(r), len(r)) for r in dataset.recordings]
    assert found == [("ann", 0, 100), ("ann", 1, 96), ("bob", 0, 100), ("bob", 1, 96)]
    wrist, chest = archives.waves(200, 2, 0), 60 + archives.waves(40, 1, 5)
    rest = dataset.recordings[0].signals
    np.testing.assert_allclose(rest["acc"], wrist[:100], atol=2e-6)
    np.testing.assert_allclose(rest["pulse"][::5], chest[:20], rtol=1e-6)


def test_the_example_of_the_documentation_loads(tmp_path: Path) -> None:
    """Files as docs/data.md describes them, beside the midfuse.toml that it prints."""
    page = DOCS.read_text()
    (toml,) = re.findall(r"```toml\n(.*?)```", page, flags=re.S)
    (table,) = re.findall(r"```csv\n(.*?)```", page, flags=re.S)
    header, *shown = table.strip().splitlines()
    files = {"midfuse.toml": toml.encode()}
    for subject in ("ann", "bob", "eve"):
        clock = 1_700_000_000_000
        rows = []
        for at in range(400):
            label = "curl" if at < 200 else "press"
            x, y, z = np.sin(at / 7 + np.arange(3))
            rows.append(f"{clock + 20 * at},{x:.4f},{y:.4f},{z:.4f},{label}")
        assert len(shown[0].split(",")) == len(rows[0].split(","))
        files[f"{subject}/1_watch.csv"] = archives.csv(header, rows)
        pulse = [f"{clock + 100 * at},{60 + at % 9}" for at in range(80)]
        files[f"{subject}/1_chest.csv"] = archives.csv("ms,bpm", pulse)
    dataset = load_dataset("folder", archives.unpacked(files, tmp_path))
    assert dataset.labels == ["curl", "press"]
    assert dataset.subjects == ["ann", "bob", "eve"]
    assert dataset.test_subjects == ["eve"]
    assert [m.name for m in dataset.modalities] == ["acc", "pulse"]
    assert not dataset.repairs
    assert len(cut(dataset.recordings, dataset.window)) > 0


def test_one_file_may_hold_everybody(tmp_path: Path) -> None:
    rows = [f"{who},{what},{at / 25},{at}" for who in "ab" for at in range(100) for what in ("go",)]
    toml = """
        subject_column = "who"
        label_column = "what"
        window = { length = 10, hop = 5 }
        [modalities.acc]
        files = "all.csv"
        columns = ["x"]
        unit = "g"
        rate_hz = 25
        time = "t"
    """
    files = {"midfuse.toml": toml.encode(), "all.csv": archives.csv("who,what,t,x", rows)}
    dataset = load_dataset("folder", archives.unpacked(files, tmp_path))
    assert [(r.subject, len(r)) for r in dataset.recordings] == [("a", 100), ("b", 100)]
    for recording in dataset.recordings:
        np.testing.assert_allclose(recording.signals["acc"][:, 0], np.arange(100), atol=1e-4)


def test_an_npz_may_hold_an_array_a_column(tmp_path: Path) -> None:
    toml = """
        subject_column = "who"
        label_column = "what"
        labels = ["stay", "go"]
        window = { length = 10, hop = 5 }
        [modalities.acc]
        files = "{take}.npz"
        columns = ["x", "y"]
        unit = "g"
        rate_hz = 25
    """
    x, y = archives.waves(2, 60, 0)
    packed = io.BytesIO()
    what = np.array(["go"] * 20 + [""] * 10 + ["stay"] * 30)
    np.savez(packed, x=x, y=y, what=what, who=np.array(7))
    files = {"midfuse.toml": toml.encode(), "1.npz": packed.getvalue()}
    dataset = load_dataset("folder", archives.unpacked(files, tmp_path))
    assert [(r.subject, one_label(r), len(r)) for r in dataset.recordings] == [
        ("7", 1, 20),
        ("7", 0, 30),
    ]
    found = dataset.recordings[1].signals["acc"]
    np.testing.assert_array_equal(found, np.stack([x, y], 1)[30:].astype(np.float32))
    assert dataset.repairs == {"samples without a label, left out": 10}


@pytest.mark.parametrize(
    ("usual", "length", "hop"),
    [((128, 64), 64, 32), ((100, 50), 25, 12), ((128, 200), 64, 100), ((100, 1), 30, 1)],
)
def test_a_window_of_another_length_keeps_its_overlap(
    usual: tuple[int, int], length: int, hop: int
) -> None:
    window = Window(length=usual[0], hop=usual[1])
    found = replace(numbered.data_set(3), window=window).in_windows_of(length)
    assert found.window == Window(length=length, hop=hop)


def test_a_whole_recording_stretches_to_another_length() -> None:
    window = Window(length=8, hop=8, whole=True)
    found = replace(numbered.data_set(3), window=window).in_windows_of(6)
    (places, *_) = cut(found.recordings, found.window).inputs["where"][..., 1]
    np.testing.assert_allclose(places, np.linspace(0, 8, 6), atol=1e-6)


def test_an_unknown_data_set_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="'nonesuch': unknown; known: seglearn-watch"):
        load_dataset("nonesuch")


def test_a_data_set_of_a_package_takes_no_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave `data` out"):
        load_dataset("seglearn-watch", tmp_path)


def test_the_command_tells_the_activities_of_a_recording_apart(tmp_path: Path) -> None:
    path = archives.unpacked(archives.sp_sw_har(), tmp_path / "set")
    found = json.loads(data("sp-sw-har", "--data", path, "--out", tmp_path / "out", "--json"))
    assert found["recordings"] == 1
    for label in ("SEATED", "WALKING"):
        assert found["classes"][label] == {
            "recordings": 1,
            "minutes": 0.03,
            "windows": 3,
            "subjects": 1,
        }
    assert Path(found["picture"]).read_bytes().startswith(b"\x89PNG")


def data(*arguments: str | Path) -> str:
    result = CliRunner().invoke(data_cli.data, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_command_lists_the_data_sets_and_where_to_get_them() -> None:
    listed = json.loads(data("--json"))
    assert list(listed) == list(DATASETS)
    for name, known in listed.items():
        assert known["download"] == about(name).download
        assert name in data()


def test_the_command_describes_a_data_set_and_draws_it(tmp_path: Path) -> None:
    path = archives.unpacked(archives.uci_hapt(), tmp_path / "set")
    with (path / "RawData" / "labels.txt").open("a") as labels:
        labels.write("1 1 5 11 150\n")
    found = json.loads(data("uci-hapt-12", "--data", path, "--out", tmp_path / "out", "--json"))
    assert found["subjects"] == ["1", "2"]
    assert found["samples"] == {"least": 50, "median": 120, "most": 300}
    assert found["classes"]["WALKING"] == {
        "recordings": 1,
        "minutes": 0.1,
        "windows": 3,
        "subjects": 1,
    }
    assert found["classes"]["LAYING"]["recordings"] == 0
    assert found["repairs"] == {"rows of labels.txt that repeat, left out": 1}
    picture = Path(found["picture"]).read_bytes()
    assert picture.startswith(b"\x89PNG")
    shown = data("uci-hapt-12", "--data", path, "--out", tmp_path / "out")
    assert "repaired: 1 rows of labels.txt that repeat" in shown
    assert "STAND_TO_SIT" in shown


def test_a_data_set_without_a_path_says_where_to_get_it() -> None:
    result = CliRunner().invoke(data_cli.data, ["uci-hapt"])
    assert result.exit_code == 2
    assert "get it at https://archive.ics.uci.edu/dataset/341; --data names" in result.stderr
    assert result.stderr.count("\n") == 1
