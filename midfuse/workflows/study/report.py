"""What a study found, in four forms: terminal, Markdown, picture and JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Group
from rich.table import Column
from rich.table import Table as RichTable

from midfuse.cli.console import Outcome
from midfuse.core.errors import MidfuseError
from midfuse.core.files import publish


@dataclass(frozen=True)
class Table:
    """Rows under a header, which may have two lines; the first column is a name, `notes` are
    sentences below."""

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)

    def for_terminal(self) -> RichTable:
        first, *others = self.header
        columns = [Column(first), *(Column(name, justify="right") for name in others)]
        table = RichTable(*columns, title=self.title, title_justify="left")
        for row in self.rows:
            table.add_row(*row)
        table.caption = "\n".join(self.notes) or None
        table.caption_justify = "left"
        return table

    def markdown(self) -> str:
        header = [name.replace("\n", " ") for name in self.header]
        rule = ["---", *("---:" for _ in self.header[1:])]
        lines = [f"| {' | '.join(row)} |" for row in (header, rule, *self.rows)]
        notes = [f"\n{note}" for note in self.notes]
        return "\n".join([f"{self.title}\n", *lines, *notes]) + "\n"


@dataclass(frozen=True)
class Report:
    """A study's answer: `data` for machines, tables for people, and how to draw it as a PNG."""

    data: dict[str, Any]
    tables: list[Table]
    draw: Callable[[BytesIO], object]
    failure: MidfuseError | None = None


def write_report(report: Report, name: str, command: str, out: Path) -> Outcome:
    """Write NAME.json, NAME.md and NAME.png into the folder `out`.

    Raises:
        InputError: `out` cannot be written.
    """
    picture = BytesIO()
    report.draw(picture)
    data = {"study": name, "command": command} | report.data
    text = "\n".join(table.markdown() for table in report.tables)
    files = {
        "json": (json.dumps(data, indent=2) + "\n").encode(),
        "md": f"{text}\n![{name}]({name}.png)\n\n```\n{command}\n```\n".encode(),
        "png": picture.getvalue(),
    }
    with TemporaryDirectory() as scratch:
        for ending, content in files.items():
            (Path(scratch) / f"{name}.{ending}").write_bytes(content)
        written = publish(Path(scratch), out)
    view = Group(*(table.for_terminal() for table in report.tables))
    return Outcome(data, view, written, report.failure)
