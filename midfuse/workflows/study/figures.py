"""Figures over seeds and splits, as JSON and as people read them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from midfuse.core.oracle import read_npz
from midfuse.core.results import BySeed, StudyFigures
from midfuse.core.scores import Confusion, IntArray, Spread, classes, confusion_of


def over_seeds(values: Sequence[float]) -> BySeed:
    """Mean and deviation of an entry per seed, and the entries."""
    return BySeed(**asdict(Spread.of(values)), by_seed=list(values))


def pooled(runs: Sequence[tuple[int, Confusion]]) -> list[Confusion]:
    """The confusions of (seed, confusion), those of a seed's splits added up."""
    seeds = dict.fromkeys(seed for seed, _ in runs)
    return [
        Confusion(np.sum([each.confusion for s, each in runs if s == seed], axis=0))
        for seed in seeds
    ]


def accuracies(by_seed: Sequence[Confusion]) -> StudyFigures:
    """Accuracy and macro-F1 over seeds."""
    return StudyFigures(
        accuracy=over_seeds([each.accuracy for each in by_seed]),
        macro_f1=over_seeds([each.macro_f1 for each in by_seed]),
    )


def answered(
    path: Path, labels: IntArray, parts: Sequence[slice] = (slice(None),)
) -> list[Confusion]:
    """A confusion a part of the windows: of the first output in an .npz, a row of scores a window,
    and the windows' true classes."""
    scores = read_npz(path)["output_0"]
    found, count = classes(scores), scores[0].size
    return [Confusion(confusion_of(found[part], labels[part], count)) for part in parts]


def percent(figure: BySeed) -> str:
    """`83.5 ± 0.4 %` of a share over seeds."""
    return str(Spread(figure.mean, figure.deviation))


def points(figure: BySeed) -> str:
    """`+1.2 ± 0.4 points` of a difference of shares over seeds."""
    deviation = figure.deviation
    spread = "" if deviation is None else f" ± {100 * deviation:.1f}"
    return f"{100 * figure.mean:+.1f}{spread} points"


def thousands(count: float | None) -> str:
    """`948 k`, `4.21 M`; nothing for what there is not."""
    if count is None:
        return ""
    if count < 1e6:
        return f"{count / 1e3:.1f} k" if count < 1e5 else f"{count / 1e3:.0f} k"
    return f"{count / 1e6:.2f} M"


def kilobytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1024:.1f} KB"
