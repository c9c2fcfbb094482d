"""What every command shares: `--json`, `--debug`, exit codes, progress bars and tables.

A command is a function that returns an `Outcome`; the library below it never prints.
"""

import functools
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Column, Table

from midfuse.core.errors import MidfuseError
from midfuse.core.progress import Task

# A parameter of the library, as its errors write one.
_PARAMETER = re.compile(r"`(\w+)`")


@dataclass
class Outcome:
    """What a command found: `data` for machines, `view` for people, and the files it wrote.

    `failure` is raised after both were shown: the figures of a check that did not hold matter
    as much as those of one that did. `afterwards` is called then too, by a command that stays in
    the foreground.
    """

    data: dict[str, Any]
    view: RenderableType = ""
    files: list[Path] = field(default_factory=list)
    failure: MidfuseError | None = None
    afterwards: Callable[[], None] | None = None


class _Bar:
    def __init__(self, progress: RichProgress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._progress.update(self._task, advance=steps)
        if note:
            self._progress.update(self._task, note=note)


class Terminal:
    """Progress bars on standard error, so that standard output stays the command's answer."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Task]:
        columns = [
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn() if total is not None else TextColumn(""),
            TimeElapsedColumn(),
            TimeRemainingColumn() if total is not None else TextColumn(""),
            TextColumn("{task.fields[note]}"),
        ]
        with RichProgress(*columns, console=self._console) as progress:
            yield _Bar(progress, progress.add_task(name, total=total, note=""))


def fail(error: MidfuseError, called: click.Command | None = None) -> int:
    """Show an error as its one line on standard error and return its exit code.

    A parameter that the error names is shown as the option, or argument, of the command `called`.
    """
    print(f"error: {_in_options(str(error), called)}", file=sys.stderr)
    return error.exit_code


def _in_options(text: str, called: click.Command | None) -> str:
    options = {
        each.name: each.human_readable_name if isinstance(each, click.Argument) else each.opts[0]
        for each in (called.params if called else [])
    }
    return _PARAMETER.sub(lambda found: options.get(found[1], found[0]), text)


def _show(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome.data, indent=2))
    else:
        console = Console()
        # What asks not to be wrapped, such as a line to paste, is not cut off either.
        console.print(outcome.view, crop=False)
        for path in outcome.files:
            console.print(f"wrote {path}", style="dim", highlight=False, soft_wrap=True)
    sys.stdout.flush()


def fields(values: dict[str, Any]) -> Table:
    """A table of names and values; a nested one becomes lines."""
    table = Table("", Column(overflow="fold"), show_header=False)
    for name, value in values.items():
        if isinstance(value, dict):
            table.add_row(name, "\n".join(f"{key}: {each}" for key, each in value.items()))
        else:
            table.add_row(name, str(value))
    return table


def command(**settings: Any) -> Callable[[Callable[..., Outcome]], click.Command]:
    """Make a click command of a function that returns an `Outcome`."""

    def decorate(function: Callable[..., Outcome]) -> click.Command:
        @functools.wraps(function)
        def run(as_json: bool, debug: bool, **options: Any) -> None:
            try:
                outcome = function(**options)
                _show(outcome, as_json)
                if outcome.afterwards is not None:
                    outcome.afterwards()
                if outcome.failure is not None:
                    raise outcome.failure
            except MidfuseError as error:
                if debug:
                    if error.details:
                        print(error.details, file=sys.stderr)
                    raise
                sys.exit(fail(error, click.get_current_context().command))

        run = click.option("--debug", is_flag=True, help="Show a traceback on errors.")(run)
        run = click.option(
            "--json", "as_json", is_flag=True, help="Print the result as JSON, for machines."
        )(run)
        settings.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        return click.command(**settings)(run)

    return decorate
