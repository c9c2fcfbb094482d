"""The plots are drawn, and show what they are given."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from trainer.run.fit import History
from trainer.run.plots import draw_confusion, draw_curves


def history(epochs: int, loss: float) -> History:
    falling = [loss / (1 + epoch) for epoch in range(epochs)]
    return History(0, falling, [0.5] * epochs, [0.4] * epochs, falling)


def test_curves_have_a_column_a_stage_and_follow_the_figures(tmp_path: Path) -> None:
    stages = {"teacher": history(25, 2.0), "student": history(1, 3.0)}
    draw_curves(stages, tmp_path / "both.png")
    draw_curves(stages | {"student": history(1, 4.0)}, tmp_path / "other.png")
    draw_curves({"teacher": stages["teacher"]}, tmp_path / "one.png")
    both, other, one = (imread(tmp_path / f"{name}.png") for name in ("both", "other", "one"))
    assert both.shape[1] == pytest.approx(2 * one.shape[1], rel=0.1)
    half = both.shape[1] // 2
    np.testing.assert_array_equal(both[:, : half - 60], other[:, : half - 60])
    assert (both[:, half:] != other[:, half:]).any()


def test_a_confusion_is_shaded_by_its_row(tmp_path: Path) -> None:
    classes = 12
    labels = [f"some activity of a long name {at}" for at in range(classes)]

    def dark(confusion: npt.NDArray[np.int64]) -> int:
        """Pixels in the colour of a class that is always answered alike."""
        draw_confusion(confusion, labels, "student", tmp_path / "confusion.png")
        image = imread(tmp_path / "confusion.png")[..., :3]
        return int((np.abs(image - np.array([8, 48, 107]) / 255).max(-1) < 0.02).sum())

    # The same counts a cell; every row but the second, which has no windows, is split in the end.
    right = np.diag(np.full(classes, 9))
    right[1] = 0
    split = right + np.roll(right, 1, axis=1)
    assert dark(right) > 3 * dark(split)
