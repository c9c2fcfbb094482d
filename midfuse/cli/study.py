"""`midfuse study`."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Group
from rich.table import Column
from rich.table import Table as RichTable

from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import DeviceError
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.report import Report, Table, write_report

_MOST_JOBS = 4

Function = TypeVar("Function", bound=Callable[..., Outcome])


@click.group(
    name="study",
    help="What a model is worth on a data set: a table, a plot and JSON. A study that was stopped"
    " goes on when it is started again.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def study() -> None:
    pass


def _options(*, seeds: int, board: str = "qemu-mps2-an386") -> Callable[[Function], Function]:
    """The options that all studies share."""
    options = [
        click.option("--dataset", default="seglearn-watch", show_default=True),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            help="Where the data set lies, if not in a package.",
        ),
        click.option("--modalities", help="Only these sensors, with commas between."),
        click.option("--teacher-modalities", help="More sensors for the teacher alone."),
        click.option("--split", default=0, show_default=True, help="Which subjects are held out."),
        click.option("--all-splits", is_flag=True, help="Every split of the data set, pooled."),
        click.option(
            "--seeds", type=click.IntRange(min=1), default=seeds, show_default=True,
            help="Number of seeds (0 to N-1).",
        ),
        click.option("--student", default="student-m", show_default=True),
        click.option("--board", default=board, show_default=True, help="The board."),
        click.option(
            "--out", type=click.Path(path_type=Path),
            help="Folder to write to [runs/study/STUDY-DATASET].",
        ),
        click.option(
            "--jobs", type=click.IntRange(min=1),
            help=f"Trainings side by side [one a core, at most {_MOST_JOBS}].",
        ),
    ]  # fmt: skip

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _plan(study: str, out: Path | None, jobs: int | None, **options: Any) -> Plan:
    folder = out or Path("runs/study") / f"{study}-{options['dataset']}"
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Plan(study=study, out=folder, jobs=jobs or min(here or 1, _MOST_JOBS), **options)


def _outcome(plan: Plan, report: Report) -> Outcome:
    """The study's files written; its tables for people."""
    files = write_report(report, plan.out)
    view = Group(*map(_for_terminal, report.tables))
    return Outcome(report.result.to_json(), view, files, report.failure)


def _for_terminal(table: Table) -> RichTable:
    first, *others = table.header
    columns = [Column(first), *(Column(name, justify="right") for name in others)]
    shown = RichTable(*columns, title=table.title, title_justify="left")
    for row in table.rows:
        shown.add_row(*row)
    shown.caption = "\n".join(table.notes) or None
    shown.caption_justify = "left"
    return shown


@contextmanager
def _plotting() -> Iterator[None]:
    """Say how to install what draws."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "matplotlib":
            raise
        raise DeviceError(
            "midfuse study needs the package matplotlib, which is not installed",
            'run: pip install "midfuse[train]"',
        ) from None


@command(
    name="effectiveness",
    help="What fusion in the middle, distillation and tuning are worth, down to int8 on the board.",
)
@_options(seeds=2)
@click.option(
    "--compare",
    default="all",
    show_default=True,
    help="Baselines to train; same values as `midfuse train --compare`.",
)
def effectiveness(compare: str, **options: Any) -> Outcome:
    with _plotting():
        from midfuse.workflows.study.effectiveness import effectiveness as run
    plan = _plan("effectiveness", **options)
    return _outcome(plan, run(plan, compare, Terminal()))


@command(
    name="scalability",
    help="What modalities, window and width cost and bring: teacher against student.",
)
@_options(seeds=1)
def scalability(**options: Any) -> Outcome:
    with _plotting():
        from midfuse.workflows.study.scalability import scalability as run
    plan = _plan("scalability", **options)
    return _outcome(plan, run(plan, Terminal()))


# An emulated core would take minutes for so many windows; native runs the same kernels.
@command(
    name="robustness",
    help="What noise, a turned mounting, dropped samples, a silent or late sensor cost teacher,"
    " student and int8.",
)
@_options(seeds=3, board="native")
def robustness(**options: Any) -> Outcome:
    with _plotting():
        from midfuse.workflows.study.robustness import robustness as run
    plan = _plan("robustness", **options)
    return _outcome(plan, run(plan, Terminal()))


for each in (effectiveness, scalability, robustness):
    study.add_command(each)
