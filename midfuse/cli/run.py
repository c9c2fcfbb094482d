"""The command `midfuse run`."""

from pathlib import Path

import click
from rich.console import Console, Group
from rich.table import Table

from midfuse.cli.console import Outcome, command
from midfuse.core.results import RunResult
from midfuse.workflows.calls import same_bytes
from midfuse.workflows.run import MODELS, Recordings, run_stages


@command(name="run", help="Everything in order: train, convert, build, flash, evaluate.")
@click.option("--dataset", default="seglearn-watch", show_default=True, help="The recordings.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Where the data set lies, if not in a package."
)
@click.option("--modalities", help="Only these sensors, with commas between; all if left out.")
@click.option("--board", default="qemu-mps2-an386", show_default=True, help="The board.")
@click.option("--split", default=0, show_default=True, help="Which subjects are held out.")
@click.option("--all-splits", is_flag=True, help="Every split of the data set's protocol, pooled.")
@click.option("--seed", default=0, show_default=True, help="Seed of the training.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/run"),
    show_default=True,
    help="Folder to write to.",
)
def run(
    dataset: str,
    data: Path | None,
    modalities: str | None,
    board: str,
    split: int,
    all_splits: bool,
    seed: int,
    out: Path,
) -> Outcome:
    summary = run_stages(
        Recordings(dataset, data, modalities),
        board,
        None if all_splits else split,
        seed,
        out,
        announce=_announce,
    )
    failure = same_bytes(summary.differing_bytes, board)
    return Outcome(summary.to_json(), _view(summary), [out / "summary.json"], failure)


def _announce(line: str) -> None:
    Console(stderr=True).print(f"[bold]{line}", highlight=False)


def _view(summary: RunResult) -> Group:
    splits = summary.splits
    subjects = ", ".join(s for split in splits for s in split.test_subjects)
    table = Table(
        "accuracy",
        title=f"{summary.dataset} on {summary.board}:"
        f" {summary.windows} windows of held-out subjects {subjects}",
        title_justify="left",
    )
    table.add_column("all" if len(splits) > 1 else f"split {splits[0].split}", justify="right")
    for each in splits if len(splits) > 1 else []:
        table.add_column(f"split {each.split}", justify="right")
    for model, title in MODELS.items():
        row = [f"{summary.accuracy[model]:.2%}"]
        if len(splits) > 1:
            row += [f"{each.accuracy[model]:.2%}" for each in splits]
        table.add_row(title, *row)
    figures = Table(show_header=False, box=None)
    figures.add_row("bytes that differ from TFLM", f"{summary.differing_bytes}")
    if summary.instructions_per_inference is not None:
        count = summary.instructions_per_inference
        figures.add_row("instructions per inference", f"{count:,.0f}")
    for size, title in ((summary.ram_bytes, "RAM"), (summary.flash_bytes, "flash")):
        if size is not None:
            figures.add_row(title, f"{size / 1024:.1f} KB")
    took = ", ".join(f"{stage} {s:.0f}" for stage, s in summary.seconds.items())
    figures.add_row("seconds", f"{sum(summary.seconds.values()):.0f} ({took})")
    return Group(table, figures)
