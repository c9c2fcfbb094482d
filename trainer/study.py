"""Several trainings of one kind: all splits of a protocol, several seeds, and what they say."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from midfuse.progress import SILENT, Progress
from trainer.datasets import DataSet
from trainer.figures import Scores, Spread, pooled
from trainer.pipeline import Trained, train
from trainer.protocols import Split
from trainer.recipe import Recipe


@dataclass(frozen=True)
class Study:
    """Trainings by (split, seed): figures over seeds, each seed's windows of all splits pooled."""

    dataset: DataSet
    trainings: dict[tuple[int, int], Trained]

    def scores(self, model: str) -> list[Scores]:
        """Of one model on the test windows, an entry a seed."""
        seeds = sorted({seed for _, seed in self.trainings})
        return [
            pooled([t.figures[model] for (_, s), t in self.trainings.items() if s == seed])
            for seed in seeds
        ]

    @property
    def models(self) -> list[str]:
        return list(next(iter(self.trainings.values())).figures)

    def as_json(self) -> dict[str, Any]:
        """What summary.json holds."""
        return {
            "dataset": self.dataset.name,
            "repairs": dict(self.dataset.repairs),
            "trainings": [
                {
                    "split": split,
                    "seed": seed,
                    "accuracy": {m: s.accuracy for m, s in t.figures.items()},
                }
                for (split, seed), t in self.trainings.items()
            ],
            "figures": {
                model: {
                    "accuracy": asdict(Spread.of([s.accuracy for s in self.scores(model)])),
                    "macro_f1": asdict(Spread.of([s.macro_f1 for s in self.scores(model)])),
                    **pooled(self.scores(model)).as_json(self.dataset.labels),
                }
                for model in self.models
            },
        }


def study(
    dataset: DataSet,
    splits: dict[int, Split],
    seeds: Sequence[int],
    out: Path,
    recipe: Recipe,
    progress: Progress = SILENT,
) -> Study:
    """Train on every split with every seed, each into a folder of its own below `out`.

    Raises:
        InputError: as `train`.
    """
    trainings = {}
    for seed in seeds:
        for at, split in splits.items():
            folder = out / f"split-{at}-seed-{seed}"
            trainings[at, seed] = train(dataset, split, seed, folder, recipe, progress)
    found = Study(dataset, trainings)
    (out / "summary.json").write_text(json.dumps(found.as_json(), indent=2) + "\n")
    return found
