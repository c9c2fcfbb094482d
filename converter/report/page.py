"""`report.html`: what a conversion found, in one file that needs no network."""

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from converter.checks.op_check import worst_first

if TYPE_CHECKING:
    from converter.result import ConversionResult

# Ops that are named as the worst, here and in the terminal.
WORST = 10
# A bar's full width: about what rounding to int8 alone leaves of a tensor that fills its range.
_FULL_BAR_DB = 50.0


def decibels(value: float | None) -> str:
    """An SQNR for people; no error at all has none."""
    return "exact" if value is None else f"{value:.1f} dB"


def _bar(value: float | None) -> float:
    """A bar's width in percent."""
    return 100.0 if value is None else round(100 * min(max(value / _FULL_BAR_DB, 0.0), 1.0), 1)


def write_report(path: Path, result: "ConversionResult") -> None:
    """Render the report. Names come from the model given, so everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"decibels": decibels, "bar": _bar}
    rank = {check.index: at for at, check in enumerate(worst_first(result.checks)[:WORST], 1)}
    page = environment.get_template("report.html.j2").render(result=result, rank=rank)
    path.write_text(page, encoding="utf-8")
