"""Windows, splits and standardisation: what may never mix does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfuse.card import Modality, Window
from midfuse.errors import InputError
from trainer.augment import Drawer, Strength
from trainer.datasets import DataSet, Recording, load_dataset
from trainer.windows import (
    FOLDS,
    Windows,
    cut,
    fit_standardiser,
    of_subjects,
    split_subjects,
    stratified,
)


def numbered(lengths: list[int]) -> list[Recording]:
    """Recordings whose samples say where they come from: (recording, sample)."""
    return [
        Recording(
            {"where": np.stack([np.full(n, i), np.arange(n)], 1).astype(np.float32)}, i % 3, i
        )
        for i, n in enumerate(lengths)
    ]


def data_set(recordings: list[Recording]) -> DataSet:
    modality = Modality(name="where", channels=["recording", "sample"], unit="1", rate_hz=50)
    return DataSet("numbered", [modality], recordings, ["a", "b", "c"], "none", "none")


lengths = st.lists(st.integers(1, 200), min_size=1, max_size=8)
windows = st.builds(Window, length=st.integers(1, 60), hop=st.integers(1, 80))


@given(lengths, windows)
def test_a_window_is_a_run_of_one_recording(sizes: list[int], window: Window) -> None:
    if max(sizes) < window.length:
        with pytest.raises(InputError, match="the length of a window"):
            cut(numbered(sizes), window)
        return
    found = cut(numbered(sizes), window)
    recording, sample = found.inputs["where"][..., 0], found.inputs["where"][..., 1]
    assert (recording == recording[:, :1]).all()
    np.testing.assert_array_equal(
        sample - sample[:, :1], np.tile(np.arange(window.length), (len(found), 1))
    )
    np.testing.assert_array_equal(found.subjects, recording[:, 0])
    np.testing.assert_array_equal(found.labels, recording[:, 0] % 3)
    assert len(found) == sum(max(0, (n - window.length) // window.hop + 1) for n in sizes)


@settings(deadline=None)
@given(lengths, windows, st.floats(0, 0.5), st.integers(0, 99))
def test_a_drawn_window_stays_inside_one_recording(
    sizes: list[int], window: Window, pace: float, seed: int
) -> None:
    if max(sizes) < window.length:
        return
    drawer = Drawer(numbered(sizes), window, Strength(turn=0, pace=pace, gain=0, noise=0))
    found = drawer.draw(np.random.default_rng(seed))
    recording, sample = found.inputs["where"][..., 0], found.inputs["where"][..., 1]
    assert len(found) == len(cut(numbered(sizes), window))
    np.testing.assert_array_equal(recording, np.repeat(found.subjects[:, None], window.length, 1))
    assert (sample >= 0).all()
    assert (sample <= np.array(sizes)[found.subjects][:, None] - 1).all()
    assert (np.diff(sample, axis=1) >= 0).all()


def test_every_subject_is_tested_once_and_never_in_two_parts() -> None:
    dataset = load_dataset("seglearn-watch")
    splits = [split_subjects(dataset, fold) for fold in range(FOLDS)]
    assert sorted(s for split in splits for s in split.test) == list(range(1, 11))
    assert sorted(s for split in splits for s in split.validation) == list(range(1, 11))
    for split in splits:
        assert sorted(split.train + split.validation + split.test) == list(range(1, 11))
        assert len(split.test) == 2
    assert len(cut(of_subjects(dataset, splits[0].test), Window(length=128, hop=64))) >= 500


@pytest.mark.parametrize("fold", [-1, FOLDS])
def test_a_fold_that_does_not_exist_is_refused(fold: int) -> None:
    with pytest.raises(InputError, match=rf"--split {fold}: not a fold; choose 0 to 4"):
        split_subjects(data_set(numbered([9] * 6)), fold)


def test_too_few_subjects_are_refused() -> None:
    with pytest.raises(InputError, match="4 subjects, too few"):
        split_subjects(data_set(numbered([9] * 4)), 0)


def test_standardised_training_windows_have_mean_0_and_deviation_1() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal([3, -2], [0.5, 20], (50, 40, 2)).astype(np.float32)
    training = Windows({"x": values}, np.zeros(50, np.int64), np.zeros(50, np.int64))
    result = fit_standardiser(training)({"x": values})["x"]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std((0, 1)), 1, atol=1e-5)


def test_a_channel_that_never_changes_is_named() -> None:
    values = np.random.default_rng(0).normal(size=(5, 8, 3)).astype(np.float32)
    values[..., 1] = 7
    still = Windows({"x": values}, np.zeros(5, np.int64), np.zeros(5, np.int64))
    with pytest.raises(InputError, match="x: channel 1 never changes"):
        fit_standardiser(still)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(1, 100))
def test_stratified_takes_as_many_of_each_class_as_there_are(labels: list[int], count: int) -> None:
    given_labels = np.array(labels, np.int64)
    chosen = stratified(Windows({}, given_labels, given_labels), count, np.random.default_rng(0))
    assert len(np.unique(chosen)) == len(chosen)
    classes, available = np.unique(given_labels, return_counts=True)
    share = -(-count // len(classes))
    taken = [(given_labels[chosen] == label).sum() for label in classes]
    np.testing.assert_array_equal(taken, np.minimum(available, share))


def test_a_turn_keeps_lengths_and_turns_both_sensors_alike() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(200, 3)).astype(np.float32)
    recordings = [Recording({"acc": signal, "gyro": 2 * signal}, 0, 1)]
    drawer = Drawer(recordings, Window(length=200, hop=1), Strength(0.5, 0, 0, 0))
    drawn = drawer.draw(rng).inputs
    np.testing.assert_allclose(drawn["gyro"], 2 * drawn["acc"], rtol=1e-5, atol=1e-5)
    lengths_before = np.linalg.norm(signal, axis=1)
    np.testing.assert_allclose(np.linalg.norm(drawn["acc"][0], axis=1), lengths_before, rtol=1e-4)
    assert np.abs(drawn["acc"][0] - signal).max() > 0.01
