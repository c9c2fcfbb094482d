"""`midfuse perturb`."""

from pathlib import Path

import click
from rich.table import Table

from midfuse.cli.console import Outcome, Terminal, command
from trainer.run.perturb import Perturbed, perturb


@command(
    name="perturb",
    help="The test windows of a training as a worn device might give them, and what becomes of"
    " teacher and student.",
)
@click.argument("training", type=click.Path(path_type=Path))
@click.option(
    "--data", type=click.Path(path_type=Path), help="Where the recordings lie now, if moved."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/perturb"), show_default=True
)
def perturb_command(training: Path, data: Path | None, out: Path) -> Outcome:
    """TRAINING is the folder that `midfuse train` wrote."""
    found = perturb(training, out, data, Terminal())
    return Outcome(found.result().to_json(), _table(found), found.files)


def _table(found: Perturbed) -> Table:
    """Accuracy a condition, and the points that it cost; macro-F1 is in the JSON."""
    untouched = found.conditions[0].scores
    table = Table(
        "condition",
        caption=f"accuracy on {found.windows} windows a condition, of subjects"
        f" {', '.join(found.card.training.split['test'])}",
    )
    for model in untouched:
        table.add_column(model, justify="right")
        table.add_column("points", justify="right")
    for judged in found.conditions:
        cells = []
        for model, scores in judged.scores.items():
            lost = 100 * (scores.accuracy - untouched[model].accuracy)
            cells += [f"{scores.accuracy:.1%}", f"{lost:+.1f}"]
        table.add_row(str(judged.condition), *cells)
    return table
