"""Windows and standardisation: what may never mix does not."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from midfuse.core.card import Window
from midfuse.core.errors import InputError
from tests.trainer.numbered import numbered, relabelled
from trainer.data.windows import (
    Windows,
    cut,
    fit_standardiser,
    most_frequent,
    stratified,
    stretched,
)

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
    np.testing.assert_array_equal(found.subjects.astype(int), recording[:, 0])
    np.testing.assert_array_equal(found.labels, recording[:, 0] % 3)
    assert len(found) == sum(max(0, (n - window.length) // window.hop + 1) for n in sizes)


@given(lengths, windows, st.booleans(), st.integers(0, 99))
def test_the_label_of_a_window_is_the_most_frequent_of_its_samples(
    sizes: list[int], window: Window, whole: bool, seed: int
) -> None:
    window = window.model_copy(update={"whole": whole})
    recordings = [r for r in relabelled(numbered(sizes), seed) if whole or len(r) >= window.length]
    assume(recordings)
    found = cut(recordings, window)
    starts = found.inputs["where"][:, 0, 1].astype(int)
    ends = found.inputs["where"][:, -1, 1].astype(int)
    of_subject = {r.subject: r for r in recordings}
    for subject, start, end, label in zip(found.subjects, starts, ends, found.labels, strict=True):
        places = np.rint(np.linspace(start, end, window.length)).astype(int)
        here = of_subject[subject].labels[places].tolist()
        assert label == min(set(here), key=lambda each: (-here.count(each), each))


def test_of_a_tie_the_lowest_label_counts() -> None:
    labels = np.array([[2, 2, 1, 1], [3, 0, 3, 0], [1, 2, 3, 3]])
    assert most_frequent(labels).tolist() == [1, 0, 3]


def test_standardised_training_windows_have_mean_0_and_deviation_1() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal([3, -2], [0.5, 20], (50, 40, 2)).astype(np.float32)
    training = Windows({"x": values}, np.zeros(50, np.int64), np.full(50, "1"))
    result = fit_standardiser(training)({"x": values})["x"]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std((0, 1)), 1, atol=1e-5)


def test_a_channel_that_never_changes_is_named() -> None:
    values = np.random.default_rng(0).normal(size=(5, 8, 3)).astype(np.float32)
    values[..., 1] = 7
    still = Windows({"x": values}, np.zeros(5, np.int64), np.full(5, "1"))
    with pytest.raises(InputError, match="x: channel 1 never changes"):
        fit_standardiser(still)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(1, 100))
def test_stratified_takes_as_many_of_each_class_as_there_are(labels: list[int], count: int) -> None:
    given_labels = np.array(labels, np.int64)
    chosen = stratified(
        Windows({}, given_labels, given_labels.astype(str)), count, np.random.default_rng(0)
    )
    assert len(np.unique(chosen)) == len(chosen)
    classes, available = np.unique(given_labels, return_counts=True)
    share = -(-count // len(classes))
    taken = [(given_labels[chosen] == label).sum() for label in classes]
    np.testing.assert_array_equal(taken, np.minimum(available, share))


@given(lengths, st.integers(2, 50))
def test_a_whole_recording_is_stretched_from_its_first_sample_to_its_last(
    sizes: list[int], length: int
) -> None:
    found = cut(numbered(sizes), Window(length=length, hop=length, whole=True))
    assert found.subjects.tolist() == [str(i) for i in range(len(sizes))]
    for size, window in zip(sizes, found.inputs["where"], strict=True):
        np.testing.assert_allclose(window[:, 1], np.linspace(0, size - 1, length), atol=1e-3)


def test_stretching_to_its_own_length_changes_nothing() -> None:
    signal = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    np.testing.assert_array_equal(stretched(signal, 40), signal)
