"""The baseline's features: as described, finite, and blind to nothing they should see."""

import numpy as np
import numpy.typing as npt

from trainer.data.windows import Windows
from trainer.models.trees import features


def of(values: npt.NDArray[np.float32]) -> Windows:
    count = np.zeros(len(values), np.int64)
    return Windows({"acc": values[..., :3], "gyro": values[..., 3:]}, count, count.astype(str))


def test_features_are_finite_even_of_a_channel_that_stands_still() -> None:
    values = np.random.default_rng(0).normal(size=(4, 128, 6)).astype(np.float32)
    values[0] = 0
    values[1, :, 2] = 5
    assert np.isfinite(features(of(values))).all()


def test_features_of_a_short_window_are_finite_too() -> None:
    values = np.random.default_rng(0).normal(size=(4, 20, 6)).astype(np.float32)
    assert np.isfinite(features(of(values))).all()


def test_a_pure_tone_is_found_where_it_is() -> None:
    time = np.arange(128)
    values = np.random.default_rng(0).normal(size=(2, 128, 6)) * 0.01
    values[0, :, 4] += np.sin(2 * np.pi * 5 * time / 128)
    values[1, :, 4] += np.sin(2 * np.pi * 9 * time / 128)
    both = features(of(values.astype(np.float32)))
    differing = np.flatnonzero(np.isclose(both[1] - both[0], 4, atol=1e-3))
    # The strongest frequency of that channel moved by 4 cycles a window.
    assert any(np.isclose(both[0, differing], 4, atol=1e-3))


def test_the_correlation_of_a_copy_is_one() -> None:
    values = np.random.default_rng(0).normal(size=(3, 128, 6)).astype(np.float32)
    apart = features(of(values))
    values[..., 5] = values[..., 0]
    copied = features(of(values))
    changed = np.isclose(copied, 1, atol=1e-5).all(0) & ~np.isclose(apart, 1, atol=1e-5).all(0)
    assert changed.sum() == 1
