"""Perturbations: each does to the sensors what it says, and nothing else."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfuse.core.card import Modality, Window
from trainer.data.datasets import Recording
from trainer.data.perturbations import BURST, Condition, conditions, perturbed
from trainer.data.windows import Standardiser, cut

RATE_HZ = 50


def modality(name: str, device: str, channels: int = 3, joints: int = 0) -> Modality:
    return Modality(
        name=name,
        channels=[str(at) for at in range(channels)],
        unit="1",
        rate_hz=RATE_HZ,
        device=device,
        joints=joints,
    )


ACC, GYRO = modality("acc", "watch"), modality("gyro", "watch")
PHONE, PULSE = modality("phone", "phone"), modality("pulse", "strap", channels=1)
ALL = [ACC, GYRO, PHONE, PULSE]
STANDARDISE = Standardiser(
    {m.name: np.full(len(m.channels), 4, np.float32) for m in ALL},
    {m.name: np.full(len(m.channels), 10, np.float32) for m in ALL},
)


def recordings(samples: int = 300) -> list[Recording]:
    """Two of each of three subjects, random walks."""
    rng = np.random.default_rng(0)
    return [
        Recording.of_one(
            at % 2,
            {
                m.name: rng.normal(size=(samples, len(m.channels))).cumsum(0).astype(np.float32)
                for m in ALL
            },
            str(at // 2),
        )
        for at in range(6)
    ]


def under(
    kind: str, strength: float | str, modalities: list[Modality], samples: int = 300, seed: int = 0
) -> list[Recording]:
    """The recordings when that befalls these of their sensors."""
    condition = Condition(kind, strength, "")
    return perturbed(recordings(samples), condition, modalities, STANDARDISE, seed)


def changed(kind: str, strength: float | str, modalities: list[Modality]) -> set[str]:
    """Which sensors are other than they were, in any recording."""
    pairs = zip(recordings(), under(kind, strength, modalities), strict=True)
    return {
        name
        for before, after in pairs
        for name, x in before.signals.items()
        if not np.array_equal(x, after.signals[name])
    }


def angle_between(
    a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Degrees between vectors (..., 3)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.rad2deg(np.arccos(np.clip((a * b).sum(-1) / lengths, -1, 1)))


@pytest.mark.parametrize("condition", conditions(ALL), ids=str)
def test_the_same_seed_gives_the_same_bytes_and_another_others(condition: Condition) -> None:
    once, again, other = (
        perturbed(recordings(), condition, ALL, STANDARDISE, seed) for seed in (3, 3, 4)
    )
    drawn = condition.kind in ("noise", "rotation", "dropped")
    for a, b in zip(once, again, strict=True):
        assert {n: x.tobytes() for n, x in a.signals.items()} == {
            n: x.tobytes() for n, x in b.signals.items()
        }
    assert drawn == any(
        not np.array_equal(x, b.signals[n])
        for a, b in zip(once, other, strict=True)
        for n, x in a.signals.items()
    )


@pytest.mark.parametrize("condition", conditions(ALL), ids=str)
def test_a_perturbed_recording_is_cut_into_as_many_float32_windows(condition: Condition) -> None:
    window = Window(length=64, hop=32)
    found = perturbed(recordings(), condition, ALL, STANDARDISE, 0)
    expected = cut(recordings(), window)
    windows = cut(found, window)
    np.testing.assert_array_equal(windows.labels, expected.labels)
    np.testing.assert_array_equal(windows.subjects, expected.subjects)
    for name, x in windows.inputs.items():
        assert x.shape == expected.inputs[name].shape
        assert x.dtype == np.float32


def test_every_kind_befalls_worn_sensors_alone() -> None:
    for condition in conditions([ACC, GYRO])[1:]:
        assert changed(condition.kind, condition.strength, [ACC, GYRO]) <= {"acc", "gyro"}
    assert changed("noise", 0.1, [ACC]) == {"acc"}
    assert changed("dropped", 30, [ACC]) == {"acc"}


def test_what_cannot_befall_is_no_condition() -> None:
    kinds = [{c.kind for c in conditions(sensors)} for sensors in (ALL, [ACC], [PULSE])]
    assert kinds[0] == {"untouched", "noise", "rotation", "dropped", "shift", "missing"}
    assert kinds[1] == {"untouched", "noise", "rotation", "dropped"}
    assert kinds[2] == {"untouched", "noise", "dropped"}
    assert [c.strength for c in conditions(ALL) if c.kind == "missing"] == [m.name for m in ALL]


def test_noise_is_white_and_measured_in_deviations_of_the_channel() -> None:
    noise = np.concatenate(
        [
            after.signals["acc"] - before.signals["acc"]
            for before, after in zip(recordings(), under("noise", 0.3, ALL), strict=True)
        ]
    )
    # 1,800 samples a channel: the deviation of an estimate is 1.7 %.
    np.testing.assert_allclose(noise.std(0), 0.3 * 10, rtol=0.08)
    assert abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 0.1


@given(st.sampled_from([10, 20, 45, 90]), st.integers(0, 99))
def test_a_device_turns_as_a_whole_and_by_that_angle(degrees: int, seed: int) -> None:
    turned = under("rotation", degrees, ALL, samples=40, seed=seed)
    for before, after in zip(recordings(40), turned, strict=True):
        old = np.concatenate([before.signals["acc"], before.signals["gyro"]])
        new = np.concatenate([after.signals["acc"], after.signals["gyro"]])
        # Lengths, and angles between any two readings, of either sensor.
        np.testing.assert_allclose(new @ new.T, old @ old.T, rtol=1e-4, atol=1e-2)
        # One rotation explains both sensors, is none of the mirrors, and has the angle asked for.
        turn, *_ = np.linalg.lstsq(old.astype(np.float64), new.astype(np.float64), rcond=None)
        np.testing.assert_allclose(old @ turn, new, rtol=1e-3, atol=1e-3)
        assert np.linalg.det(turn) > 0
        assert np.rad2deg(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(degrees, abs=0.1)
        # A device of its own turns otherwise; one that has no axes does not.
        assert np.abs(before.signals["phone"] @ turn - after.signals["phone"]).max() > 1e-2
        np.testing.assert_array_equal(before.signals["pulse"], after.signals["pulse"])


def test_a_subject_wears_it_one_way_and_each_another() -> None:
    before, after = recordings(), under("rotation", 45, ALL)
    angles = [
        angle_between(old.signals["acc"], new.signals["acc"])
        for old, new in zip(before, after, strict=True)
    ]
    assert all(each.max() > 5 for each in angles)
    turns = [
        np.linalg.lstsq(old.signals["acc"], new.signals["acc"], rcond=None)[0]
        for old, new in zip(before, after, strict=True)
    ]
    for first, second in ((0, 1), (2, 3), (4, 5)):
        np.testing.assert_allclose(turns[first], turns[second], atol=1e-3)
    assert np.abs(turns[0] - turns[2]).max() > 1e-2
    assert np.abs(turns[0] - turns[4]).max() > 1e-2


def test_joints_turn_together() -> None:
    body = modality("body", "camera", channels=12, joints=4)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 12)).astype(np.float32)
    (after,) = perturbed(
        [Recording.of_one(0, {"body": x}, "1")],
        Condition("rotation", 90, ""),
        [body],
        STANDARDISE,
        0,
    )
    old, new = x.reshape(30, 4, 3), after.signals["body"].reshape(30, 4, 3)
    apart = np.linalg.norm(old[:, 1:] - old[:, :-1], axis=2)
    np.testing.assert_allclose(np.linalg.norm(new[:, 1:] - new[:, :-1], axis=2), apart, rtol=1e-4)
    assert np.abs(new - old).max() > 0.1


@pytest.mark.parametrize("percent", [10, 30, 50])
def test_the_last_sample_that_came_is_held_in_bursts(percent: int) -> None:
    samples = 20_000
    clock = np.arange(samples, dtype=np.float32)[:, None]
    signals = {m.name: clock.repeat(len(m.channels), 1) for m in ALL}
    (after,) = perturbed(
        [Recording.of_one(0, signals, "1")], Condition("dropped", percent, ""), ALL, STANDARDISE, 0
    )
    held = after.signals["acc"][:, 0]
    came = held == clock[:, 0]
    assert came[0]
    # In between the sample before stays.
    np.testing.assert_array_equal(held[1:][~came[1:]], held[:-1][~came[1:]])
    assert 1 - came.mean() == pytest.approx(percent / 100, abs=0.05)
    begun = int((came[:-1] & ~came[1:]).sum())
    assert (~came).sum() / begun == pytest.approx(BURST, rel=0.15)
    # A device's sensors lose the same samples, another device its own.
    np.testing.assert_array_equal(after.signals["gyro"], after.signals["acc"])
    assert (after.signals["phone"] != after.signals["acc"]).any()


def test_late_devices_show_what_the_recording_had_before() -> None:
    late = round(0.2 * RATE_HZ)
    for before, after in zip(recordings(), under("shift", 0.2, ALL), strict=True):
        for name in ("acc", "gyro"):
            np.testing.assert_array_equal(after.signals[name], before.signals[name])
        for name in ("phone", "pulse"):
            x, shifted = before.signals[name], after.signals[name]
            np.testing.assert_array_equal(shifted[late:], x[:-late])
            np.testing.assert_array_equal(shifted[:late], x[:1].repeat(late, 0))
    # A window in the middle begins with what the one before it ended with.
    window = Window(length=50, hop=50)
    old = cut(recordings(), window).inputs["phone"]
    new = cut(under("shift", 0.2, ALL), window).inputs["phone"]
    np.testing.assert_array_equal(new[1, :late], old[0, -late:])


def test_of_one_device_the_other_sensors_are_late() -> None:
    assert changed("shift", 0.1, [ACC, GYRO]) == {"gyro"}
    assert changed("shift", 0.1, ALL) == {"phone", "pulse"}


def test_a_missing_sensor_is_all_zeros_once_standardised() -> None:
    assert changed("missing", "gyro", ALL) == {"gyro"}
    for recording in under("missing", "gyro", ALL):
        assert not STANDARDISE(recording.signals)["gyro"].any()
