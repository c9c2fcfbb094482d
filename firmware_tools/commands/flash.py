"""The command `midfuse flash`: an image onto a real board, or into an emulated one."""

import signal
import threading
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from firmware_tools import api
from firmware_tools.board.registry import Board, read_board
from firmware_tools.commands.options import BOARD, runtime_options
from firmware_tools.emulate.boot import emulator_for
from firmware_tools.emulate.child import Running
from firmware_tools.flash import BACKENDS, EMULATOR, programmer_for
from firmware_tools.flash.payload import read_payload
from firmware_tools.link.session import connect
from firmware_tools.runtimes.interface import Runtime
from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import InputError
from midfuse.core.results import FlashResult

_HELP = """Put an image on a board: check the chip, write, verify, reset, and ask the board.

IMAGE is a firmware.elf, the folder that `midfuse build` wrote it into, or a .tflite to build.

A board that is emulated is booted in its emulator, and runs until Ctrl-C, unless one of --port,
--probe and --backend asks for the real one. A real board is written by the first back end of its
board.toml that is installed. With --port, success means that the
board reports the new image ID over serial.
"""


@command(name="flash", help=_HELP)
@click.argument("image", type=click.Path(path_type=Path))
@BOARD
@click.option("--port", help="The real board's serial port, to ask it what it runs.")
@click.option("--backend", type=click.Choice(BACKENDS), help="How to get the image there.")
@click.option(
    "--probe",
    metavar="ID",
    help="Probe to use: serial number, UF2 drive folder, or GDB HOST:PORT.",
)
@runtime_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
def flash(
    image: Path,
    board: str,
    port: str | None,
    backend: str | None,
    probe: str | None,
    runtime: Runtime,
    dry_run: bool,
) -> Outcome:
    target = read_board(board)
    real = backend != EMULATOR if backend else bool(port or probe or not target.emulator)
    if real and backend is None and target.emulator and not target.flash and probe is None:
        raise InputError(f"--port: {board} brings a port of its own", "leave --port out")
    if not real and (port or probe):
        raise InputError("--backend emulator: needs no --port and no --probe", "leave them out")
    if not real:
        return _boot(image, target, runtime, dry_run)
    if dry_run:
        return _plan(image, target, runtime, backend, probe)
    done = api.flash(
        image, board, port=port, probe=probe, backend=backend, runtime=runtime, progress=Terminal()
    )
    return Outcome(done.to_json(), Text(in_words(done)))


def _plan(
    path: Path, board: Board, runtime: Runtime, backend: str | None, probe: str | None
) -> Outcome:
    """What a real board would be written by."""
    programmer = programmer_for(board, backend)
    image = api.image_of(path, board.name, runtime=runtime, progress=Terminal())
    steps = programmer.plan(read_payload(image, board), probe)
    can = asdict(programmer.capabilities)
    data = {"backend": programmer.name, "capabilities": can, "steps": steps}
    return Outcome(data, Text("\n".join(steps)))


def in_words(done: FlashResult) -> str:
    """One line for people."""
    image = f"image {done.image_id[:12]}…"
    if done.identified:
        return f"{done.board}: flashed by {done.backend}; it says over {done.port}: {image}"
    how = "written and verified" if done.verified else "written"
    return (
        f"{done.board}: {image} is {how} by {done.backend}; not yet identified:"
        " give --port, the board's serial port"
    )


def _boot(path: Path, board: Board, runtime: Runtime, dry_run: bool) -> Outcome:
    emulator = emulator_for(board)
    if not dry_run:
        emulator.require()
    image = api.image_of(path, board.name, runtime=runtime, progress=Terminal())
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
