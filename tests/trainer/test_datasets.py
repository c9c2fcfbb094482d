"""The data sets: what is in them, and what happens when they cannot be used."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midfuse.errors import InputError
from tests.trainer.conftest import Arrays, own_recordings
from trainer.datasets import DataSet, load_dataset


def test_the_watch_recordings_are_what_their_paper_says() -> None:
    dataset = load_dataset("seglearn-watch")
    lengths = [len(recording.signals["acc"]) for recording in dataset.recordings]
    assert (len(lengths), min(lengths), max(lengths)) == (140, 947, 2618)
    assert {recording.subject for recording in dataset.recordings} == set(range(1, 11))
    assert dataset.labels == ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]
    assert {recording.label for recording in dataset.recordings} == set(range(7))
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


def test_own_recordings_come_back_as_written(
    arrays: Arrays, write: Callable[[Arrays], Path]
) -> None:
    dataset = load_dataset("recordings", write(arrays))
    assert dataset.name == "own"
    assert [m.name for m in dataset.modalities] == ["acc", "gyro"]
    assert dataset.modalities[1].channels == ["roll", "pitch"]
    assert dataset.licence == "not stated"
    for at, recording in enumerate(dataset.recordings):
        rows = slice(300 * at, 300 * (at + 1))
        np.testing.assert_array_equal(recording.signals["acc"], arrays["acc"][rows])
        np.testing.assert_array_equal(recording.signals["gyro"], arrays["gyro"][rows])
        assert recording.label == arrays["recording_labels"][at]
        assert recording.subject == arrays["recording_subjects"][at]


def test_an_unknown_data_set_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="nonesuch: unknown; known: seglearn-watch"):
        load_dataset("nonesuch")


def test_a_data_set_of_a_package_takes_no_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave --data out"):
        load_dataset("seglearn-watch", tmp_path)


def test_a_wrong_path_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--data FILE\.npz"):
        load_dataset("recordings")
    with pytest.raises(InputError, match=r"gone\.npz: no such file"):
        load_dataset("recordings", tmp_path / "gone.npz")
    with pytest.raises(InputError, match=r"not a usable \.npz"):
        load_dataset("recordings", tmp_path)
    text = tmp_path / "notes.npz"
    text.write_text("not an archive")
    with pytest.raises(InputError, match=r"not a usable \.npz"):
        load_dataset("recordings", text)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("lengths", None, "lengths: missing"),
        ("lengths", np.full(36, 301), "acc: 10800 samples"),
        ("lengths", np.zeros(36, int), "lengths: a recording without samples"),
        ("lengths", np.full(36, 300.0), "lengths: float64"),
        ("recording_labels", np.full(36, 3), "recording_labels: not an index"),
        ("recording_labels", np.zeros(35, int), "recording_labels, recording_subjects: not as"),
        ("acc", np.zeros(10800, np.float32), "acc: float32, 1 dimensions"),
        ("acc", np.full((10800, 3), np.nan), "acc: not finite"),
        ("acc_channels", np.array(["x", "y"]), "acc_channels: not a name for each of 3"),
        ("rate_hz", np.array(-50.0), "rate_hz: not a positive number"),
        ("labels", np.array([{}], object), "not a usable .npz"),
    ],
)
def test_an_array_that_is_wrong_is_named(
    arrays: Arrays, write: Callable[[Arrays], Path], key: str, value: object, named: str
) -> None:
    del arrays[key]
    if value is not None:
        arrays[key] = np.asarray(value)
    with pytest.raises(InputError) as raised:
        load_dataset("recordings", write(arrays))
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_file_is_an_input_error_or_still_good(
    tmp_path: Path, data: st.DataObject
) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, **own_recordings())
    content = bytearray(packed.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    # Any other exception fails the test.
    with contextlib.suppress(InputError):
        assert isinstance(load_dataset("recordings", path), DataSet)
