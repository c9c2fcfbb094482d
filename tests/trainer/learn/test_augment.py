"""Draws: inside one recording, turned as a housing turns, and each kind as strong as asked."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfuse.core.card import Modality, Window
from tests.trainer.numbered import WHERE, numbered, relabelled
from trainer.data.datasets import Recording
from trainer.data.windows import Standardiser, cut
from trainer.learn.augment import Drawer, Strength

NONE = Strength(turn=0, pace=0, warp=0, gain=0, noise=0, dropout=0)


def axes(name: str, device: str, joints: int = 0) -> Modality:
    channels = [f"{axis}{at}" for at in range(max(1, joints)) for axis in "xyz"]
    return Modality(
        name=name, channels=channels, unit="g", rate_hz=50, device=device, joints=joints
    )


def as_they_are(modalities: list[Modality]) -> Standardiser:
    """Mean 0 and deviation 1."""
    return Standardiser(
        {m.name: np.zeros(len(m.channels), np.float32) for m in modalities},
        {m.name: np.ones(len(m.channels), np.float32) for m in modalities},
    )


def drawer(
    signals: dict[str, npt.NDArray[np.float32]], modalities: list[Modality], strength: Strength
) -> Drawer:
    recording = Recording.of_one(0, signals, "1")
    window = Window(length=len(recording), hop=1)
    return Drawer([recording], modalities, window, as_they_are(modalities), strength)


lengths = st.lists(st.integers(1, 200), min_size=1, max_size=8)
windows = st.builds(Window, length=st.integers(2, 60), hop=st.integers(1, 80), whole=st.booleans())


@given(lengths, windows, st.floats(0, 0.5), st.floats(0, 0.5), st.integers(0, 99))
def test_a_drawn_window_stays_inside_one_recording(
    sizes: list[int], window: Window, pace: float, warp: float, seed: int
) -> None:
    if not window.whole and max(sizes) < window.length:
        return
    strength = Strength(turn=0, pace=pace, warp=warp, gain=0, noise=0, dropout=0)
    source = Drawer(numbered(sizes), [WHERE], window, as_they_are([WHERE]), strength)
    assert len(source) == len(cut(numbered(sizes), window))
    chosen = np.arange(len(source))
    found = source.draw(chosen, np.random.default_rng(seed))
    recording, sample = found.inputs["where"][..., 0], found.inputs["where"][..., 1]
    subjects = found.subjects.astype(int)
    np.testing.assert_array_equal(recording, np.repeat(subjects[:, None], window.length, 1))
    assert (sample >= 0).all()
    assert (sample <= np.array(sizes)[subjects][:, None] - 1).all()
    assert (np.diff(sample, axis=1) >= 0).all()


@pytest.mark.parametrize("whole", [False, True])
def test_the_label_of_a_drawn_window_is_the_most_frequent_of_its_samples(whole: bool) -> None:
    recordings = relabelled(numbered([40, 50, 70, 90, 160]), seed=0)
    window = Window(length=32, hop=1, whole=whole)
    strength = Strength(turn=0, pace=0.2, warp=0.2, gain=0, noise=0, dropout=0)
    source = Drawer(recordings, [WHERE], window, as_they_are([WHERE]), strength)
    found = source.draw(np.arange(len(source)), np.random.default_rng(0))
    assert len(np.unique(found.labels)) > 1
    for (where, sample), label in zip(
        found.inputs["where"].transpose(0, 2, 1), found.labels, strict=True
    ):
        at = recordings[int(where[0])].labels[np.rint(sample).astype(int)].tolist()
        assert label == min(set(at), key=lambda each: (-at.count(each), each))


def test_without_any_strength_a_whole_recording_is_what_cutting_gives() -> None:
    window = Window(length=16, hop=16, whole=True)
    source = Drawer(numbered([40, 9]), [WHERE], window, as_they_are([WHERE]), NONE)
    drawn = source.draw(np.array([1, 0]), np.random.default_rng(0))
    expected = cut(numbered([40, 9]), window).inputs["where"][[1, 0]]
    np.testing.assert_allclose(drawn.inputs["where"], expected, atol=1e-4)


def test_a_turn_keeps_lengths_and_turns_the_sensors_of_one_housing_alike() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(200, 3)).astype(np.float32)
    modalities = [axes("acc", "watch"), axes("gyro", "watch"), axes("other", "phone")]
    signals = {"acc": signal, "gyro": 2 * signal, "other": signal}
    strength = Strength(turn=0.5, pace=0, warp=0, gain=0, noise=0, dropout=0)
    drawn = drawer(signals, modalities, strength).draw(np.zeros(4, np.int64), rng).inputs
    np.testing.assert_allclose(drawn["gyro"], 2 * drawn["acc"], rtol=1e-4, atol=1e-4)
    assert np.abs(drawn["other"] - drawn["acc"]).max() > 0.01
    for window in drawn["acc"]:
        lengths_before = np.linalg.norm(signal, axis=1)
        np.testing.assert_allclose(np.linalg.norm(window, axis=1), lengths_before, rtol=1e-3)
        assert np.abs(window - signal).max() > 0.01


def test_a_turn_moves_all_joints_together() -> None:
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(50, 4, 3)).astype(np.float32)
    modality = axes("skeleton", "", joints=4)
    strength = Strength(turn=0.5, pace=0, warp=0, gain=0, noise=0, dropout=0)
    source = drawer({"skeleton": joints.reshape(50, 12)}, [modality], strength)
    drawn = source.draw(np.zeros(1, np.int64), rng).inputs["skeleton"].reshape(50, 4, 3)
    assert np.abs(drawn - joints).max() > 0.01
    apart = np.linalg.norm(joints[:, 1:] - joints[:, :-1], axis=2)
    np.testing.assert_allclose(
        np.linalg.norm(drawn[:, 1:] - drawn[:, :-1], axis=2), apart, rtol=1e-3
    )


def test_gain_noise_and_warp_are_as_strong_as_asked() -> None:
    rng = np.random.default_rng(0)
    line = np.linspace(1, 2, 100, dtype=np.float32)[:, None].repeat(2, 1)
    modality = Modality(name="x", channels=["a", "b"], unit="1", rate_hz=50)
    many = np.zeros(2000, np.int64)

    def drawn(**kinds: float) -> npt.NDArray[np.float32]:
        strength = Strength(**({"turn": 0, "pace": 0, "warp": 0, "gain": 0, "noise": 0} | kinds))
        return drawer({"x": line}, [modality], strength).draw(many, rng).inputs["x"]

    ratios = np.log(drawn(gain=0.1)[:, 0, 0] / line[0, 0])
    np.testing.assert_allclose([ratios.mean(), ratios.std()], [0, 0.1], atol=0.01)
    np.testing.assert_allclose((drawn(noise=0.3) - line).std(), 0.3, atol=0.01)
    warped = drawn(warp=0.1) - line
    np.testing.assert_allclose(warped[:, [0, -1]], 0, atol=1e-5)
    # a sin(pi u) / pi and its two harmonics a third of the way: half of sigma / pi and more.
    assert 0.01 < warped[:, 50].std() < 0.1


def test_dropout_silences_a_sensor_at_a_time_and_never_all() -> None:
    rng = np.random.default_rng(0)
    modalities = [axes("a", ""), axes("b", ""), axes("c", "")]
    signals = {m.name: np.ones((20, 3), np.float32) for m in modalities}
    strength = Strength(turn=0, pace=0, warp=0, gain=0, noise=0.1, dropout=0.4)
    found = drawer(signals, modalities, strength).draw(np.zeros(3000, np.int64), rng).inputs
    there = np.stack([(x != 0).any((1, 2)) for x in found.values()])
    assert there.any(0).all()
    # All three by chance is 0.4^3, and then one stays.
    np.testing.assert_allclose(1 - there.mean(), 0.4 - 0.4**3 / 3, atol=0.02)
