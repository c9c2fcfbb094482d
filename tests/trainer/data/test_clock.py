"""Clocks made steady and sensors brought onto one grid."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfuse.core.errors import InputError
from trainer.data.datasets.clock import (
    Stretch,
    Track,
    grid,
    nearest,
    overlaps,
    resampled,
    runs,
    stretches,
)


@settings(max_examples=50, deadline=None)
@given(
    rate_hz=st.floats(20, 200),
    drift=st.floats(-0.1, 0.1),
    late=st.floats(0, 0.1),
    seed=st.integers(0, 999),
)
def test_bursts_and_drift_are_undone(rate_hz: float, drift: float, late: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    taken = np.arange(round(20 * rate_hz)) / (rate_hz * (1 + drift))
    # A sample waits for the next delivery, and deliveries come at random.
    arrivals = np.sort(rng.uniform(0, taken[-1], round(taken[-1] / max(late, 0.01))))
    waits = np.append(arrivals, taken[-1])[np.searchsorted(arrivals, taken)] - taken
    stamps = taken + np.minimum(waits, late)
    (found,) = stretches(stamps, rate_hz, "file", range(len(stamps)), Counter())
    assert (np.diff(found.times) > 0).all()
    # What is left is the mean wait, and how the mean of two seconds differs from it.
    inner = slice(len(taken) // 10, -len(taken) // 10)
    assert np.abs(found.times - taken)[inner].max() <= late + 1e-6
    assert np.abs(np.diff(found.times) * rate_hz * (1 + drift) - 1).max() < 0.06


def test_a_gap_cuts_and_what_is_between_gaps_keeps_its_clock() -> None:
    stamps = np.concatenate([np.arange(100) / 50, 5 + np.arange(200) / 50])
    repairs: Counter[str] = Counter()
    first, second = stretches(stamps, 50, "file", range(2, 302), repairs)
    assert (first.start, first.stop, second.start, second.stop) == (0, 100, 100, 300)
    np.testing.assert_allclose(np.concatenate([first.times, second.times]), stamps, atol=1e-9)


@given(st.lists(st.floats(-3, 3), min_size=30, max_size=200))
def test_any_stamps_are_refused_or_give_rising_times(steps: list[float]) -> None:
    try:
        found = stretches(np.cumsum(steps), 50, "file", range(len(steps)), Counter())
    except InputError:
        return
    for piece in found:
        assert len(piece.times) == piece.stop - piece.start
        assert (np.diff(piece.times) > 0).all()


@given(st.floats(10, 300), st.floats(10, 300), st.floats(-2, 2), st.floats(1, 20), st.floats(-5, 5))
def test_a_straight_line_stays_one_at_any_rate(
    rate_hz: float, to_hz: float, start: float, seconds: float, slope: float
) -> None:
    times = start + np.arange(round(seconds * rate_hz) + 2) / rate_hz
    at = grid(times[0], times[-1], to_hz)
    values = np.stack([slope * times, 1 - slope * times], 1)
    inner = at[len(at) // 4 : -len(at) // 4 or None]
    found = resampled(times, values, at)[len(at) // 4 : -len(at) // 4 or None]
    # Averaging over an even number of samples shifts by half a sample.
    bound = abs(slope) / rate_hz + 1e-3
    np.testing.assert_allclose(found[:, 0], slope * inner, atol=bound)
    np.testing.assert_allclose(found[:, 1], 1 - slope * inner, atol=bound)


def test_what_is_too_fast_for_the_grid_does_not_come_back_slow() -> None:
    times = np.arange(4000) / 400
    tone = np.sin(2 * np.pi * 99 * times)[:, None]
    # Every eighth sample alone would show a tone of 1 Hz at full height.
    assert np.abs(resampled(times, tone, grid(1, 9, 50))).max() < 0.1


@pytest.mark.parametrize(("rate_hz", "instants"), [(50, [0.02, 0.04]), (100, [0.02, 0.03, 0.04])])
def test_a_grid_keeps_to_whole_instants(rate_hz: float, instants: list[float]) -> None:
    np.testing.assert_allclose(grid(0.011, 0.041, rate_hz), instants)


def test_sensors_overlap_where_all_recorded() -> None:
    def track(*spans: tuple[float, float]) -> Track:
        pieces = [Stretch(0, 11, np.linspace(a, b, 11)) for a, b in spans]
        return Track(np.zeros((11, 1)), pieces)

    found = list(overlaps([track((0, 4), (6, 9)), track((1, 7)), track((0, 3), (3.5, 20))], 2))
    assert [(at[0], at[-1]) for at, _ in found] == [(1, 3), (3.5, 4), (6, 7)]
    assert all(len(chosen) == 3 for _, chosen in found)


def test_nearest_and_runs() -> None:
    np.testing.assert_array_equal(
        nearest(np.array([0, 1, 5.0]), np.array([-1, 0.4, 2.9, 9])), [0, 0, 1, 2]
    )
    np.testing.assert_array_equal(nearest(np.array([3.0]), np.array([1, 4.0])), [0, 0])
    assert runs(np.array([2, 2, -1, 0, 2])) == [(2, 0, 2), (0, 3, 4), (2, 4, 5)]
    assert runs(np.array([], np.int64)) == []
