"""The command `midfuse flash`: an image onto a real board, or into an emulated one."""

import signal
import threading
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from firmware_tools.board.registry import Board, read_board
from firmware_tools.commands.evaluate import BOARD, default_out
from firmware_tools.emulate.child import Running
from firmware_tools.flash import BACKENDS, EMULATOR, backend_for, find_elf, programmer_for
from firmware_tools.flash.flow import flash_image
from firmware_tools.flash.payload import read_payload
from firmware_tools.image.image import Image, read_image
from firmware_tools.link.session import connect
from firmware_tools.runtimes.choice import build_image, runtime_options
from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import InputError
from midfuse.core.tflite_file import read_tflite

_HELP = """Put an image on a board: check the chip, write, verify, reset, and ask the board.

IMAGE is a firmware.elf, the folder that `midfuse build` wrote it into, or a .tflite to build.

A board that is emulated is booted in its emulator, and runs until Ctrl-C, unless one of --port,
--probe and --backend asks for the real one. A real board is written by the first back end of its
board.toml that is installed. It counts as flashed when it names the image over its serial port,
--port.
"""


@command(name="flash", help=_HELP)
@click.argument("image", type=click.Path(path_type=Path))
@BOARD
@click.option("--port", help="The real board's serial port, to ask it what it runs.")
@click.option("--backend", type=click.Choice(BACKENDS), help="How to get the image there.")
@click.option(
    "--probe",
    metavar="ID",
    help="Which one: a debug probe's serial number, a UF2 drive's folder, GDB's HOST:PORT or port.",
)
@runtime_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
def flash(
    image: Path,
    board: str,
    port: str | None,
    backend: str | None,
    probe: str | None,
    tflm: Path | None,
    dry_run: bool,
) -> Outcome:
    target = read_board(board)
    real = backend != EMULATOR if backend else bool(port or probe or not target.emulator)
    if real and backend is None and target.emulator and not target.flash and probe is None:
        raise InputError(f"--port: {board} brings a port of its own", "leave --port out")
    if not real and (port or probe):
        raise InputError("--backend emulator: needs no --port and no --probe", "leave them out")
    if real:
        return _flash_real(image, target, tflm, backend, probe, port, dry_run)
    return _boot(image, target, tflm, dry_run)


def _flash_real(
    path: Path,
    board: Board,
    tflm: Path | None,
    backend: str | None,
    probe: str | None,
    port: str | None,
    dry_run: bool,
) -> Outcome:
    programmer = programmer_for(board, backend)
    if dry_run:
        steps = programmer.plan(read_payload(_image(path, board, tflm), board), probe)
        can = asdict(programmer.capabilities)
        data = {"backend": programmer.name, "capabilities": can, "steps": steps}
        return Outcome(data, Text("\n".join(steps)))
    programmer.require()
    done = flash_image(
        _image(path, board, tflm), board, programmer, probe=probe, port=port, progress=Terminal()
    )
    return Outcome(done.to_json(), Text(str(done)))


def _boot(path: Path, board: Board, tflm: Path | None, dry_run: bool) -> Outcome:
    emulator = backend_for(board)
    if not dry_run:
        emulator.require()
    image = _image(path, board, tflm)
    if dry_run:
        line = emulator.command(image.elf)
        return Outcome({"backend": EMULATOR, "command": line}, Text(" ".join(line)))
    with ExitStack() as stack:
        running = stack.enter_context(emulator.boot(image.elf))
        with connect(running.port, board, image.model_sha256, image.image_id) as session:
            data = {
                "board": board.name,
                "port": running.port,
                "model_sha256": session.identity.model_sha256,
                "image_id": session.identity.image_id,
                "firmware_version": session.identity.firmware_version,
            }
        # From here on Ctrl-C and SIGTERM are how the command is meant to end.
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        staying = stack.pop_all()
    return Outcome(
        data,
        Text(f"{board.name} runs {path.name} on {running.port} until Ctrl-C"),
        afterwards=lambda: _stay(running, staying, stop),
    )


def _stay(running: Running, staying: ExitStack, stop: threading.Event) -> None:
    """Keep an emulated board running until it is told to stop, then end it."""
    with staying:
        while not stop.wait(0.2):
            running.check()


def _image(path: Path, board: Board, tflm: Path | None) -> Image:
    """The image that a path means, built if it is a model's."""
    if path.suffix == ".tflite":
        model, out = read_tflite(path), default_out(path, board)
        return build_image(model, board, out, tflm=tflm, progress=Terminal())
    return read_image(find_elf(path), board)
