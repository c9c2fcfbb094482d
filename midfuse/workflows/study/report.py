"""What a study found, in four forms: terminal, Markdown, picture and JSON."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from midfuse.core.errors import MidfuseError
from midfuse.core.files import publish
from midfuse.core.results import StudyResult


@dataclass(frozen=True)
class Table:
    """Rows under a header, which may have two lines; the first column is a name, `notes` are
    sentences below."""

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        header = [name.replace("\n", " ") for name in self.header]
        rule = ["---", *("---:" for _ in self.header[1:])]
        lines = [f"| {' | '.join(row)} |" for row in (header, rule, *self.rows)]
        notes = [f"\n{note}" for note in self.notes]
        return "\n".join([f"{self.title}\n", *lines, *notes]) + "\n"


@dataclass(frozen=True)
class Report:
    """A study's answer for machines, tables for people, and how to draw it as a PNG."""

    result: StudyResult
    tables: list[Table]
    draw: Callable[[BytesIO], object]
    failure: MidfuseError | None = None


def write_report(report: Report, out: Path) -> list[Path]:
    """Write STUDY.json, STUDY.md and STUDY.png into the folder `out`; the files.

    Raises:
        InputError: `out` cannot be written.
    """
    picture = BytesIO()
    report.draw(picture)
    result = report.result
    name = result.study
    text = "\n".join(table.markdown() for table in report.tables)
    files = {
        "json": (result.model_dump_json(indent=2) + "\n").encode(),
        "md": f"{text}\n![{name}]({name}.png)\n\n```\n{result.command}\n```\n".encode(),
        "png": picture.getvalue(),
    }
    with TemporaryDirectory() as scratch:
        for ending, content in files.items():
            (Path(scratch) / f"{name}.{ending}").write_bytes(content)
        return publish(Path(scratch), out)
