"""The command `midfuse build`: a model into firmware for a board, or into C for any project."""

from pathlib import Path
from typing import Any

import click
from rich.console import Group

from firmware_tools.board.registry import read_board
from firmware_tools.export.source_folder import SourceFolder, write_source
from firmware_tools.image.image import Image
from firmware_tools.image.limits import Limits, parse_bytes
from firmware_tools.image.memory import MemoryUse
from firmware_tools.runtimes.choice import build_image, runtime_options
from midfuse.cli.console import Outcome, Terminal, command, fields
from midfuse.core.errors import CheckFailed, InputError
from midfuse.core.tflite_file import read_tflite

_HELP = """Compile a .tflite into firmware for a board, or into C for any project.

--source-only writes C that compiles for anything; with --board, its kernels are the fastest ones
for that board's core, and compile for such a core only.

--max-ram and --max-flash are for CI: where one is exceeded the files are written all the same, and
the exit code is 1. RAM is .data, .bss with the arena in it, and the stack reserved; flash is the
image. Where neither is known (--source-only, a board that is a process of this computer), they
hold the arena and the constants.

--report writes its page for a model that does not fit, too.
"""


@command(name="build", help=_HELP)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", help="A board; `midfuse boards` lists them.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write to [runs/MODEL-BOARD or runs/MODEL-source].",
)
@runtime_options
@click.option("--observable", is_flag=True, help="Keep every op's output readable.")
@click.option("--source-only", is_flag=True, help="Write a folder of C for any project instead.")
@click.option("--report", is_flag=True, help="Draw the arena over time: memory.html.")
@click.option("--max-ram", metavar="BYTES", help="Fail where more RAM is taken: 8192 or 8K.")
@click.option("--max-flash", metavar="BYTES", help="Fail where more flash is taken.")
def build(
    model: Path,
    board: str | None,
    out: Path | None,
    tflm: Path | None,
    observable: bool,
    source_only: bool,
    report: bool,
    max_ram: str | None,
    max_flash: str | None,
) -> Outcome:
    limits = Limits(
        ram=None if max_ram is None else parse_bytes(max_ram, "--max-ram"),
        flash=None if max_flash is None else parse_bytes(max_flash, "--max-flash"),
    )
    if tflm and (source_only or report):
        option = "--source-only" if source_only else "--report"
        raise InputError(f"{option}: is of our own compiler's output", "leave --runtime out")
    target = None if board is None else read_board(board)
    if source_only:
        folder = out or Path("runs") / f"{model.stem}-source"
        written = write_source(
            read_tflite(model), folder, board=target, observable=observable, report=report
        )
        return _source_outcome(written, folder, limits, model)
    if target is None:
        raise InputError("--board is missing", "name one of `midfuse boards`, or --source-only")
    folder = out or Path("runs") / f"{model.stem}-{target.name}"
    image = build_image(
        read_tflite(model),
        target,
        folder,
        tflm=tflm,
        observable=observable,
        report=report,
        progress=Terminal(),
    )
    data = image.model_dump(mode="json")
    files = [*image.files, *([folder / "memory.html"] if report else [])]
    return Outcome(data, _view(image), files, _failure(limits, model, image))


def _view(image: Image) -> Group:
    hidden = {*MemoryUse.model_fields, "steps"} - {"arena_bytes"}
    shown = image.model_dump(mode="json", exclude=hidden)
    return Group(fields(shown), image.peak)


def _failure(limits: Limits, model: Path, image: Image) -> CheckFailed | None:
    ram, flash = image.reserved_ram_bytes, image.flash_bytes
    return limits.failure(
        model,
        image,
        image.arena_bytes if ram is None else ram,
        image.constant_bytes if flash is None else flash,
    )


def _source_outcome(written: SourceFolder, out: Path, limits: Limits, model: Path) -> Outcome:
    memory = written.memory
    data: dict[str, Any] = {"symbol": written.symbol, **memory.model_dump()}
    data["files"] = [str(path) for path in written.files]
    view = f"{written.symbol}: {memory.peak}\nopen {out / 'README.md'}"
    failure = limits.failure(model, memory, memory.arena_bytes, memory.constant_bytes)
    return Outcome(data, view, written.files, failure)
