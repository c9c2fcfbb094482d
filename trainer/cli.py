"""`midfuse train`."""

from pathlib import Path

import click
from rich.table import Table

from midfuse.console import Outcome, Terminal, command
from trainer.datasets import DATASETS, load_dataset
from trainer.pipeline import Recipe, train_and_save


@command(
    help="Train teacher, student and trees on real recordings; figures are of held-out subjects."
)
@click.option("--dataset", default="seglearn-watch", show_default=True, help=", ".join(DATASETS))
@click.option(
    "--data", type=click.Path(path_type=Path), help="Where the data set lies, if not in a package."
)
@click.option(
    "--split", default=0, show_default=True, help="Which fifth of the subjects to hold out, 0 to 4."
)
@click.option("--seed", default=0, show_default=True, help="Seed of weights and draws.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/train"), show_default=True
)
def train(dataset: str, data: Path | None, split: int, seed: int, out: Path) -> Outcome:
    """Train and write everything that the later stages need."""
    trained = train_and_save(load_dataset(dataset, data), split, seed, out, Recipe(), Terminal())
    table = Table("model", "held-out accuracy", "macro F1", "parameters")
    for name, scores in trained["figures"].items():
        table.add_row(
            name.replace("_", " "),
            f"{scores['accuracy']:.1%}",
            f"{scores['macro_f1']:.3f}",
            str(trained["parameters"].get(name, "")),
        )
    table.caption = (
        f"{trained['windows']['test']} windows of subjects {trained['subjects']['test']}"
    )
    return Outcome(trained, table, [Path(path) for path in trained["files"].values()])
