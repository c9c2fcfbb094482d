"""The interval of an accuracy, held against scipy's and against what it is for."""

import pytest

from midfuse.core.scores import Accuracy


@pytest.mark.parametrize(
    ("right", "windows"), [(0, 1), (1, 1), (15, 20), (20, 20), (0, 7), (698, 851), (9999, 10_000)]
)
def test_the_interval_is_wilson_s(right: int, windows: int) -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with midfuse[train]")
    expected = stats.binomtest(right, windows).proportion_ci(0.95, method="wilson")
    found = Accuracy(right, windows)
    assert found.interval == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.interval[0] <= found.share <= found.interval[1]


def test_it_reads_well() -> None:
    assert str(Accuracy(15, 20)) == "0.7500 (0.5313 to 0.8881 at 95 %; 15 of 20)"
