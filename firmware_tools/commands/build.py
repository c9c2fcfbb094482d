"""The command `midfuse build`: a model into firmware for a board, or into C for any project."""

from pathlib import Path

import click
from rich.console import Group

from firmware_tools import api
from firmware_tools.board.registry import read_board
from firmware_tools.commands.options import runtime_options
from firmware_tools.export.source_folder import write_source
from firmware_tools.image.limits import Limits, parse_bytes
from firmware_tools.runtimes.interface import Runtime
from midfuse.cli.console import Outcome, Terminal, command, fields
from midfuse.core.errors import CheckFailed, InputError
from midfuse.core.results import Image, MemoryUse, SourceFolder
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
    runtime: Runtime,
    observable: bool,
    source_only: bool,
    report: bool,
    max_ram: str | None,
    max_flash: str | None,
) -> Outcome:
    limits = Limits(
        ram=None if max_ram is None else parse_bytes(max_ram, "max_ram"),
        flash=None if max_flash is None else parse_bytes(max_flash, "max_flash"),
    )
    if source_only:
        if runtime.name != "midfuse":
            raise InputError(
                "--source-only works only with the midfuse runtime",
                f"remove --runtime {runtime.name}",
            )
        folder = out or Path("runs") / f"{model.stem}-source"
        target = None if board is None else read_board(board)
        written = write_source(
            read_tflite(model), folder, board=target, observable=observable, report=report
        )
        return _source_outcome(written, folder, limits, model)
    if board is None:
        raise InputError("--board is missing", "name one of `midfuse boards`, or --source-only")
    folder = out or api.default_out(model, board)
    image = api.build(
        model,
        board,
        folder,
        runtime=runtime,
        observable=observable,
        report=report,
        progress=Terminal(),
    )
    files = [*image.files, *([folder / "memory.html"] if report else [])]
    return Outcome(image.to_json(), _view(image), files, _failure(limits, model, image))


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
    view = f"{written.symbol}: {written.peak}\nopen {out / 'README.md'}"
    failure = limits.failure(model, written, written.arena_bytes, written.constant_bytes)
    return Outcome(written.to_json(), view, written.files, failure)
