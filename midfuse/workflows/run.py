"""`midfuse run`: from recordings to predictions on a board, by calling the other commands in order.

Each stage is a command of its own in a process of its own, as a user would type it, so nothing
happens here that cannot be done by hand.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console, Group
from rich.table import Table

from midfuse.cli.console import Outcome, command
from midfuse.workflows.calls import call, require_board, same_bytes

# The models of one run, in the order of the flow, with what people call them.
MODELS = {
    "trees": "trees, hand-made features",
    "teacher": "teacher",
    "student_float": "student",
    "student_int8_host": "student int8, TFLM on host",
    "on_device": "student int8, on the board",
}


@dataclass(frozen=True)
class SplitRun:
    """One subject split of `splits`, taken through all stages; `correct` counts windows."""

    split: int
    splits: int
    test_subjects: list[str]
    windows: int
    correct: dict[str, int]
    differing_bytes: int
    instructions: float | None
    ram_bytes: int | None
    flash_bytes: int | None
    seconds: dict[str, float]


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
    require_board(board)
    recordings = ["--dataset", dataset]
    if data is not None:
        recordings += ["--data", str(data)]
    if modalities is not None:
        recordings += ["--modalities", modalities]
    if all_splits:
        runs = [_run_split(recordings, board, 0, seed, out / "split-0")]
        for each in range(1, runs[0].splits):
            runs.append(_run_split(recordings, board, each, seed, out / f"split-{each}"))
    else:
        runs = [_run_split(recordings, board, split, seed, out)]
    summary = summarise(dataset, board, runs)
    path = out / "summary.json"
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return Outcome(summary, _view(summary), [path], same_bytes(summary["differing_bytes"], board))


def _run_split(recordings: list[str], board: str, split: int, seed: int, out: Path) -> SplitRun:
    seconds: dict[str, float] = {}

    def stage(*arguments: str) -> dict[str, Any]:
        Console(stderr=True).print(f"[bold]midfuse {' '.join(arguments)}", highlight=False)
        started = time.monotonic()
        answer = call(*arguments)
        seconds[arguments[0]] = round(time.monotonic() - started, 1)
        return answer

    train, convert, device = (str(out / name) for name in ("train", "convert", "board"))
    answer = stage("train", *recordings, "--split", str(split), "--seed", str(seed), "--out", train)
    (trained,) = answer["trainings"]
    converted = stage(
        "convert", f"{train}/student.safetensors", "--calibration", f"{train}/calibration.npz",
        "--test", f"{train}/test.npz", "--out", convert,
    )  # fmt: skip
    # Builds the firmware and boots the board itself; the inputs are the very bytes that TFLM saw.
    evaluated = stage(
        "evaluate", converted["tflite"], "--board", board, "--inputs", f"{convert}/expected.npz",
        "--labels", "labels", "--out", device,
    )  # fmt: skip
    windows = evaluated["windows"]
    instructions = evaluated["instructions_per_inference"]
    return SplitRun(
        split=split,
        splits=answer["splits"],
        test_subjects=trained["subjects"]["test"],
        windows=windows,
        correct={
            "trees": trained["figures"]["trees"]["correct"],
            "teacher": trained["figures"]["teacher"]["correct"],
            "student_float": trained["figures"]["student_float"]["correct"],
            "student_int8_host": converted["accuracy"]["correct"]["student_int8_host"],
            "on_device": round(evaluated["accuracy"] * windows),
        },
        differing_bytes=evaluated["differing_bytes"],
        instructions=None if instructions is None else instructions["mean"],
        ram_bytes=evaluated["ram_bytes"],
        flash_bytes=evaluated["flash_bytes"],
        seconds=seconds,
    )


def summarise(dataset: str, board: str, runs: list[SplitRun]) -> dict[str, Any]:
    """`summary.json`: accuracies over all held-out windows of all splits, and the board's figures.

    Instructions are the mean over the splits, RAM and flash the largest.
    """
    windows = sum(each.windows for each in runs)
    counted = [each.instructions for each in runs if each.instructions is not None]
    summary: dict[str, Any] = {
        "dataset": dataset,
        "board": board,
        "accuracy": {
            model: sum(each.correct[model] for each in runs) / windows for model in MODELS
        },
        "windows": windows,
        "differing_bytes": sum(each.differing_bytes for each in runs),
        "instructions_per_inference": sum(counted) / len(counted) if counted else None,
        "ram_bytes": max((r.ram_bytes for r in runs if r.ram_bytes is not None), default=None),
        "flash_bytes": max(
            (r.flash_bytes for r in runs if r.flash_bytes is not None), default=None
        ),
        "seconds": {
            stage: round(sum(each.seconds[stage] for each in runs), 1) for stage in runs[0].seconds
        },
        "splits": [
            {
                "split": each.split,
                "test_subjects": each.test_subjects,
                "windows": each.windows,
                "accuracy": {m: each.correct[m] / each.windows for m in MODELS},
            }
            for each in runs
        ],
    }
    return summary


def _view(summary: dict[str, Any]) -> Group:
    splits = summary["splits"]
    subjects = ", ".join(s for split in splits for s in split["test_subjects"])
    table = Table(
        "accuracy",
        title=f"{summary['dataset']} on {summary['board']}:"
        f" {summary['windows']} windows of held-out subjects {subjects}",
        title_justify="left",
    )
    table.add_column("all" if len(splits) > 1 else f"split {splits[0]['split']}", justify="right")
    for each in splits if len(splits) > 1 else []:
        table.add_column(f"split {each['split']}", justify="right")
    for model, title in MODELS.items():
        row = [f"{summary['accuracy'][model]:.2%}"]
        if len(splits) > 1:
            row += [f"{each['accuracy'][model]:.2%}" for each in splits]
        table.add_row(title, *row)
    figures = Table(show_header=False, box=None)
    figures.add_row("bytes that differ from TFLM", f"{summary['differing_bytes']}")
    if summary["instructions_per_inference"] is not None:
        count = summary["instructions_per_inference"]
        figures.add_row("instructions an inference", f"{count:,.0f}")
    for key, title in (("ram_bytes", "RAM"), ("flash_bytes", "flash")):
        if summary[key] is not None:
            figures.add_row(title, f"{summary[key] / 1024:.1f} KB")
    took = ", ".join(f"{stage} {s:.0f}" for stage, s in summary["seconds"].items())
    figures.add_row("seconds", f"{sum(summary['seconds'].values()):.0f} ({took})")
    return Group(table, figures)
