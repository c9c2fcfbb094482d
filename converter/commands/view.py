"""What the command prints of a conversion: a dozen lines, for everything else the report."""

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from converter.checks.agreement import Agreement
from converter.report import words
from midfuse.core.activations import peak_activations
from midfuse.core.macs import model_macs

if TYPE_CHECKING:
    from converter.result import Conversion

# Ops in the table.
_ROWS = 4


def summary(result: "Conversion") -> RenderableType:
    """The verdict, what it rests on, and the ops to look at first.

    Names come from the model given: they are put in as text, never as markup.
    """
    held = [] if result.missed else ["all limits hold"]
    lines = [
        *_sizes(result),
        f"float TFLite equals the model given to {result.float_error:.1g};"
        f" ranges {words.ranges(result.trained, result.observed, result.calibration_windows)}",
        *_agreement(result.agreement),
        *([] if result.fixes is None else [words.plain(words.kept(result.fixes))]),
        "; ".join(
            [f"ops over {result.check_windows} windows: {words.counts(result.checks)}", *held]
        ),
    ]
    headline = Text(words.headline(result.checks), style="bold")
    return Group(Text("\n".join(lines)), headline, _worst_ops(result))


def _sizes(result: "Conversion") -> list[str]:
    model = result.model
    activations, _ = peak_activations(model)
    return [
        f"{words.plain(model.path.name)}: {len(model.ops)} ops, {words.size(len(model.content))}"
        f" (float {words.size(len(result.float_model.content))})",
        f"an inference: {model_macs(model):,} MACs, activations of {words.size(activations)}",
    ]


def _agreement(a: Agreement) -> list[str]:
    lines = []
    on = f"on {a.windows} {'held-out' if a.held_out else 'calibration'} windows"
    if a.accuracy is not None:
        of = a.accuracy.windows
        lines.append(
            f"accuracy {on}: float {a.accuracy.float_model / of:.2%}, float TFLite"
            f" {a.accuracy.float_tflite / of:.2%}, int8 {a.accuracy.int8_host / of:.2%}"
        )
        on = "there"
    same = (
        "" if a.int8_host is None else f"; it names float's class in {a.int8_host / a.windows:.2%}"
    )
    return [*lines, f"int8's output SQNR {on}: {words.decibels(a.sqnr_db)}{same}"]


def _worst_ops(result: "Conversion") -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for header in ("op", "module or node"):
        table.add_column(header, overflow="ellipsis", no_wrap=True)
    for header in ("accumulated", "local", "verdict"):
        table.add_column(header, justify="right", no_wrap=True)
    for check in words.worst_first(result.checks)[:_ROWS]:
        table.add_row(
            f"{check.index} {check.op}",
            Text(words.plain(check.module or check.node or check.tensor)),
            words.sqnr(check.accumulated),
            words.sqnr(check.local),
            check.verdict.value,
        )
    return table
