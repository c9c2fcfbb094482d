"""The command `midfuse bench`: what models need on each core, judged."""

from collections.abc import Sequence
from pathlib import Path

import click

from firmware_tools.board.registry import Board, read_board
from firmware_tools.commands.bench_view import chart, tables
from firmware_tools.measure.bench import cores_here, run_bench
from firmware_tools.measure.reference import BUILT_IN, MODELS, read_reference
from firmware_tools.runtimes.interface import find_runtime
from firmware_tools.runtimes.tflm.library import find_library
from firmware_tools.runtimes.tflm.runtime import Tflm, every_tflm
from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import CheckFailed
from midfuse.core.files import write_model, write_whole
from midfuse.core.results import Bench
from midfuse.core.tflite_file import read_tflite

_HELP = """Count what models need on each emulated core: instructions, RAM, flash.

Without models, the three baselines; without --board, a board of every Cortex-M core that
is ready here. Half of an input's windows are random codes, half are random walks within its range.
Their outputs are compared with TensorFlow Lite Micro on the host. The exit code is 1 where a byte
differs or a target is missed.

Other runtimes' figures are recorded ones. With --tflm they are measured here instead, of every
library in the checkout that is built for a board's core.
"""


@command(name="bench", help=_HELP)
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option("--board", "boards", multiple=True, help="A board; may be given several times.")
@click.option(
    "--inferences", type=click.IntRange(min=1), default=20, show_default=True, help="On each core."
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    default=BUILT_IN,
    help="Targets and other runtimes' figures (JSON) [the baselines'].",
)
@click.option(
    "--tflm",
    type=click.Path(path_type=Path),
    help="Checkout of tflite-micro with its libraries built.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/bench"),
    show_default=True,
    help="Folder to write to.",
)
def bench(
    models: tuple[Path, ...],
    boards: tuple[str, ...],
    inferences: int,
    reference: Path,
    tflm: Path | None,
    out: Path,
) -> Outcome:
    targets = [read_board(name) for name in boards] or cores_here()
    found = run_bench(
        [read_tflite(path) for path in models or sorted(MODELS.glob("*.tflite"))],
        targets,
        inferences,
        read_reference(reference),
        out,
        find_runtime("midfuse"),
        skip=not boards,
        beside=None if tflm is None else _libraries(tflm, targets),
        progress=Terminal(),
    )
    figures, drawing = out / "bench.json", out / "bench.svg"
    write_model(figures, found)
    write_whole(drawing, chart(found))
    return Outcome(found.to_json(), tables(found), [figures, drawing], _verdict(found))


def _libraries(tflm: Path, boards: Sequence[Board]) -> dict[str, list[Tflm]]:
    """A runtime for each library in the folder, by the board that it is for."""
    found = {board.name: every_tflm(tflm, board) for board in boards}
    if not any(found.values()):
        find_library(tflm, boards[0])  # says why
    return found


def _verdict(bench: Bench) -> CheckFailed | None:
    for cell in bench.cells:
        if cell.differing_bytes:
            return CheckFailed(
                f"{cell.name} on {cell.board}: {cell.differing_bytes} output bytes differ from"
                " tflite-micro",
                "`midfuse evaluate --per-op` shows the first op that differs",
            )
        for runtime, count in cell.runtimes_differing_bytes.items():
            if count:
                return CheckFailed(
                    f"{cell.name} on {cell.board}: {count} output bytes of {runtime} differ from"
                    " tflite-micro",
                    "`midfuse evaluate --runtime tflm --per-op` shows the first op that differs",
                )
    missed = [(cell, target) for cell in bench.cells for target in cell.targets if not target.met]
    if not missed:
        return None
    cell, target = missed[0]
    return CheckFailed(
        f"{len(missed)} of {sum(len(cell.targets) for cell in bench.cells)} targets missed, first"
        f" {cell.name} on {cell.board}: {target.figure} {_figure(target.found)}, at most"
        f" {_figure(target.at_most)}",
        "the table shows which",
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
