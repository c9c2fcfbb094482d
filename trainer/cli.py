"""`midfuse train`."""

from pathlib import Path

import click
from rich.console import Group
from rich.table import Table

from midfuse.console import Outcome, Terminal, command
from midfuse.errors import InputError
from trainer.datasets import DATASETS, load_dataset
from trainer.figures import Scores, Spread
from trainer.pipeline import as_json, train
from trainer.protocols import PROTOCOLS, USUAL, splits
from trainer.recipe import STUDENTS, Recipe
from trainer.study import Study, study


@command(
    name="train",
    help="Train teacher, student and trees on real recordings; figures are of held-out subjects.",
)
@click.option("--dataset", default="seglearn-watch", show_default=True, help=", ".join(DATASETS))
@click.option(
    "--data", type=click.Path(path_type=Path), help="Where the data set lies, if not in a package."
)
@click.option("--modalities", help="Only these sensors, with commas between; all if left out.")
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default=USUAL,
    show_default=True,
    help="Who is held out: the set's usual subjects (else folds), a fifth at a time, or each.",
)
@click.option("--split", default=0, show_default=True, help="Which split of the protocol.")
@click.option("--all-splits", is_flag=True, help="Every split of the protocol in turn.")
@click.option("--seed", default=0, show_default=True, help="Seed of weights and draws.")
@click.option(
    "--seeds", default=1, show_default=True, help="Train this many times, from --seed on."
)
@click.option(
    "--student",
    type=click.Choice(list(STUDENTS)),
    default="student-m",
    show_default=True,
    help="About 10, 20 or 60 KB of int8 weights.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/train"), show_default=True
)
def train_command(
    dataset: str,
    data: Path | None,
    modalities: str | None,
    protocol: str,
    split: int,
    all_splits: bool,
    seed: int,
    seeds: int,
    student: str,
    out: Path,
) -> Outcome:
    """Train and write everything that the later stages need."""
    progress = Terminal()
    recordings = load_dataset(dataset, data, progress)
    if modalities is not None:
        recordings = recordings.only([name.strip() for name in modalities.split(",")])
    known = splits(recordings, protocol)
    chosen = dict(enumerate(known))
    if not all_splits:
        if split not in chosen:
            raise InputError(
                f"--split {split}: protocol {protocol} of {dataset} has no such split",
                f"choose 0 to {len(known) - 1}",
            )
        chosen = {split: known[split]}
    recipe = Recipe(size=STUDENTS[student])
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: nothing to train", "give 1 or more")
    if len(chosen) == seeds == 1:
        ((at, subjects),) = chosen.items()
        trained = train(recordings, subjects, seed, out, recipe, progress)
        answer = {"split": at, "splits": len(known), "seed": seed} | as_json(trained, recordings)
        caption = f"{trained.windows['test']} windows of subjects {_names(subjects.test)}"
        table = _table({model: [s] for model, s in trained.figures.items()}, caption)
        return Outcome(answer, Group(recordings.repaired, table), trained.files)
    found = study(recordings, chosen, range(seed, seed + seeds), out, recipe, progress)
    view = Group(recordings.repaired, _spread(found, seeds))
    return Outcome(found.as_json(), view, [out / "summary.json"])


def _table(scores: dict[str, list[Scores]], caption: str) -> Table:
    """Accuracy and macro-F1 of each model, mean and spread over seeds."""
    table = Table("model", "held-out accuracy", "macro F1", caption=caption)
    for model, each in scores.items():
        accuracy = Spread.of([s.accuracy for s in each])
        macro_f1 = Spread.of([s.macro_f1 for s in each])
        table.add_row(model.replace("_", " "), str(accuracy), str(macro_f1))
    return table


def _spread(found: Study, seeds: int) -> Table:
    tests = [t.subjects.test for t in found.trainings.values()]
    subjects = list(dict.fromkeys(name for test in tests for name in test))
    first = found.scores(found.models[0])[0]
    caption = f"{first.windows} windows of subjects {_names(subjects)}, {seeds} seed(s)"
    return _table({model: found.scores(model) for model in found.models}, caption)


def _names(subjects: list[str]) -> str:
    return ", ".join(subjects)
