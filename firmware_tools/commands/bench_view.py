"""A bench as tables for a terminal and as a bar chart (SVG, for light and dark pages)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from firmware_tools.measure.bench import CMSIS_NN, TFLM
from midfuse.core.render import render
from midfuse.core.results import Bench, Cell, Figures

OURS = "midfuse"

# The chart in pixels.
_CHART = Path(__file__).with_name("bench.svg.j2")
_TOP, _TITLE, _BAR, _GAP, _PANEL_GAP, _LONGEST = 34, 22, 16, 6, 14, 430


def tables(bench: Bench) -> Group:
    """For each model: instructions, memory, and the instructions by op, on each core."""
    shown: list[RenderableType] = []
    for cells in _by_model(bench):
        first = cells[0]
        differing = sum(cell.differing_bytes for cell in cells)
        about = (
            f"{first.macs:,} multiply-accumulates; {bench.windows} windows a core,"
            f" {differing} bytes differ from TFLM's"
        )
        shown += [Text.assemble("\n", (first.name, "bold"), f"\n{about}\n")]
        shown += [_instructions(cells), "", _memory(cells), "", _ops(cells)]
        if any(cell.runtimes_differing_bytes for cell in cells):
            shown += ["", _runtimes(cells)]
    return Group(*shown, *(Text(f"skipped: {line}") for line in bench.skipped))


def chart(bench: Bench) -> str:
    """Instructions an inference: ours beside the recorded ones, a panel a model."""
    panels: list[dict[str, Any]] = []
    y = _TOP
    for cells in _by_model(bench):
        panels.append({"title": cells[0].name, "y": y, "bars": []})
        y += _TITLE
        most = max(count for cell in cells for _, count in _bars(cell))
        for cell in cells:
            for kind, count in _bars(cell):
                panels[-1]["bars"].append(
                    {
                        "y": y,
                        "label": cell.core if kind == OURS else "",
                        "kind": kind,
                        "width": f"{_LONGEST * count / most:.1f}",
                        "text": f"{count / 1e6:.2f} M",
                    }
                )
                y += _BAR
            y += _GAP
        y += _PANEL_GAP
    kinds = [OURS, *(n for n in (CMSIS_NN, TFLM) if any(n in c.runtimes for c in bench.cells))]
    return render(_CHART, {"panels": panels, "kinds": kinds, "height": y})


def _by_model(bench: Bench) -> Iterator[list[Cell]]:
    for sha256 in dict.fromkeys(cell.model_sha256 for cell in bench.cells):
        yield [cell for cell in bench.cells if cell.model_sha256 == sha256]


def _bars(cell: Cell) -> list[tuple[str, float]]:
    others = [(name, _of(cell, name).instructions) for name in (CMSIS_NN, TFLM)]
    return [
        (OURS, cell.instructions.mean),
        *((name, count) for name, count in others if count is not None),
    ]


def _instructions(cells: list[Cell]) -> Table:
    table = _table("million\ninstructions", "\nmean", "\nmin", "\nmax", "instr./\nMAC",
                   "MACs/\ninstr.", "\nTFLM", "TFLM +\nCMSIS-NN", "at\nmost")  # fmt: skip
    for cell in cells:
        count = cell.instructions
        table.add_row(
            cell.core,
            *(f"{each / 1e6:.2f}" for each in (count.mean, count.min, count.max)),
            f"{count.mean / cell.macs:.2f}" if cell.macs else "",
            f"{cell.macs / count.mean:.2f}",
            _recorded(_of(cell, TFLM)),
            _recorded(_of(cell, CMSIS_NN)),
            _target(cell, "instructions", 1e6) or _target(cell, "instructions_per_mac", 1),
        )
    return table


def _memory(cells: list[Cell]) -> Table:
    table = _table("\nKB", "\nRAM", "\narena", "at\nmost", "TFLM's\narena", "\nflash", "at\nmost",
                   "\nkernels", "start-up\nand link", "\nmodel")  # fmt: skip
    for cell in cells:
        parts = cell.flash_parts
        theirs = _of(cell, CMSIS_NN).arena_bytes or _of(cell, TFLM).arena_bytes
        table.add_row(
            cell.core,
            _kilobytes(cell.ram_bytes),
            _kilobytes(cell.arena_bytes),
            _target(cell, "arena_bytes", 1024),
            "" if theirs is None else _kilobytes(theirs),
            _kilobytes(cell.flash_bytes),
            _target(cell, "flash_bytes", 1024),
            _kilobytes(parts["kernels"]),
            _kilobytes(parts["firmware"] + parts["library"] + parts["alignment"]),
            _kilobytes(parts["constants"] + parts["parameters"]),
        )
    return table


def _runtimes(cells: list[Cell]) -> Table:
    """Ours and those that were measured beside it, on the same windows."""
    table = _table("on", "\nruntime", "million\ninstr.", "KB of\nRAM", "KB of\narena",
                   "KB of\nflash", "differing\nbytes")  # fmt: skip
    for cell in cells:
        ours = Figures(
            instructions=cell.instructions.mean,
            ram_bytes=cell.ram_bytes,
            flash_bytes=cell.flash_bytes,
            arena_bytes=cell.arena_bytes or None,
        )
        measured = [(OURS, ours, cell.differing_bytes)]
        for name, count in cell.runtimes_differing_bytes.items():
            measured.append((name, cell.runtimes[name], count))
        for name, figures, differing in measured:
            table.add_row(
                cell.core if name == OURS else "",
                name,
                f"{(figures.instructions or 0) / 1e6:.2f}",
                _kilobytes(figures.ram_bytes or 0),
                _kilobytes(figures.arena_bytes or 0),
                _kilobytes(figures.flash_bytes or 0),
                str(differing),
            )
    return table


def _ops(cells: list[Cell]) -> Table:
    """Instructions by the ops that a step joins; the cores' kernels may join different ones."""
    table = _table("thousand instructions", *(cell.core.removeprefix("cortex-") for cell in cells))
    taken: dict[str, list[float]] = {}
    for at, cell in enumerate(cells):
        for step in cell.profile.steps:
            taken.setdefault(step.name, [0.0] * len(cells))[at] += step.taken
    for name, counts in sorted(taken.items(), key=lambda row: -max(row[1])):
        numbers = [f"{count / 1e3:,.{int(count < 1e5)}f}" if count else "" for count in counts]
        table.add_row(name.replace("+", "\n+ "), *numbers)
    return table


def _table(first: str, *numbers: str) -> Table:
    columns = [Column(name, justify="right", no_wrap=True) for name in numbers]
    columns.insert(0, Column(first, no_wrap=True))
    return Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def _of(cell: Cell, runtime: str) -> Figures:
    return cell.runtimes.get(runtime, Figures())


def _recorded(figures: Figures) -> str:
    if figures.instructions is not None:
        return f"{figures.instructions / 1e6:.2f}"
    if figures.instructions_per_mac is not None:
        return f"{figures.instructions_per_mac:.2f}/MAC"
    return ""


def _target(cell: Cell, figure: str, unit: float) -> str:
    """`≤ 2.6`, in red where it is missed."""
    for target in cell.targets:
        if target.figure == figure:
            text = f"≤ {target.at_most / unit:g}"
            text += "/MAC" if figure == "instructions_per_mac" else ""
            return text if target.met else f"[red]{text}[/red]"
    return ""


def _kilobytes(size: int) -> str:
    return f"{size / 1024:.1f}"
