"""What models need on boards, measured there, beside other runtimes' figures and our targets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from firmware_tools.board.registry import Board, board_names, read_board
from firmware_tools.flash import backend_for
from firmware_tools.image.linking import build_firmware, require_toolchain
from firmware_tools.link.session import open_session
from firmware_tools.measure.evaluate import Spread, differing_bytes, ram_in_use, run_on_board
from firmware_tools.measure.profile import Profile, time_steps, with_short_ticks
from firmware_tools.measure.reference import Figures, Reference
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.tflm.build import build_tflm
from firmware_tools.runtimes.tflm.library import Library, find_library, fitting_libraries
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.macs import model_macs
from midfuse.core.oracle import Values, run_windows
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel

# Steps take nearly the same for every window.
_PROFILED_WINDOWS = 2
TFLM, CMSIS_NN = "TFLM", "TFLM + CMSIS-NN"
# As reference figures and tables call what an image's `runtime` says.
RUNTIMES = {"tflm": TFLM, "tflm-cmsis-nn": CMSIS_NN}


@dataclass(frozen=True)
class Target:
    """A figure that is to be at most `at_most`."""

    figure: str
    found: float
    at_most: float

    @property
    def met(self) -> bool:
        return self.found <= self.at_most


@dataclass(frozen=True)
class Cell:
    """One model on one board, over all windows; sizes in bytes.

    `flash_parts` add up to `flash_bytes`. `runtimes` are other runtimes' figures by name, recorded
    or measured here; `runtimes_differing_bytes` is of those measured here.
    """

    model: str
    model_sha256: str
    board: str
    core: str
    instructions: Spread
    macs: int
    ram_bytes: int
    flash_bytes: int
    flash_parts: dict[str, int]
    arena_bytes: int
    differing_bytes: int
    profile: Profile
    runtimes: dict[str, Figures]
    runtimes_differing_bytes: dict[str, int]
    targets: list[Target]

    @property
    def name(self) -> str:
        return Path(self.model).stem


@dataclass(frozen=True)
class Bench:
    """What `bench.json` holds; `skipped` says in one line each what could not be run, and why."""

    windows: int
    how_others_were_measured: str
    cells: list[Cell]
    skipped: list[str]

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        for row, cell in zip(data["cells"], self.cells, strict=True):
            row["runtimes"] = {name: found.known() for name, found in cell.runtimes.items()}
            for target, judged in zip(row["targets"], cell.targets, strict=True):
                target["met"] = judged.met
        return data


def cores_here() -> list[Board]:
    """An emulated board a Cortex-M core, the one with most RAM, where its tools are installed."""
    boards = [read_board(name) for name in board_names()]
    best: dict[str, Board] = {}
    for board in boards:
        if board.core.startswith("cortex-m") and board.instructions_per_tick:
            try:
                require_toolchain(board)
                backend_for(board).require()
            except DeviceError:
                continue
            best[board.core] = max(best.get(board.core, board), board, key=_ram)
    # M0, M3, M4, M7, M33, M55
    return sorted(best.values(), key=lambda board: int(board.core.removeprefix("cortex-m")))


def _ram(board: Board) -> int:
    return board.memory.ram.bytes if board.memory else 0


def run_bench(
    models: Sequence[TFLiteModel],
    boards: Sequence[Board],
    windows: int,
    reference: Reference,
    out: Path,
    *,
    skip: bool = False,
    tflm: Path | None = None,
    progress: Progress = SILENT,
) -> Bench:
    """Every model on every board, over the same `windows` drawn for it.

    With `tflm`, a folder as in `build_image`, the libraries in it that are for a board's core are
    measured there too, and stand in the place of what is recorded of other runtimes.

    Images go to `out/MODEL-BOARD`. With `skip`, a model that a board cannot take is passed over.

    Raises:
        InputError: a board that counts no instructions, a model that is not supported or does not
            fit, no library for any of the boards, or with `skip` nothing that could be run.
        DeviceError: a tool or the oracle is missing, or a board does not answer.
    """
    for board in boards:
        if board.instructions_per_tick == 0 or board.memory is None:
            raise InputError(f"{board.name} counts no instructions", "name an emulated board")
        backend_for(board).require()
    libraries = {}
    if tflm is not None:
        libraries = {board.name: _by_name(tflm, board) for board in boards}
        if not any(libraries.values()):
            find_library(tflm, boards[0])  # says why
    cells, skipped = [], []
    for model in models:
        inputs = draw_windows(model, windows)
        expected = run_windows(model, inputs, progress)
        for board in boards:
            try:
                cell = _cell(model, board, inputs, expected, reference, out, progress)
                if tflm is not None:
                    here = libraries[board.name]
                    cell = _beside(cell, model, board, here, inputs, expected, out, progress)
                cells.append(cell)
            except InputError as error:
                if not skip:
                    raise
                skipped.append(f"{model.path.stem} on {board.name}: {error}")
    if not cells:
        raise InputError(skipped[0] if skipped else "no board is ready", "see `midfuse boards`")
    how = reference.how_measured if tflm is None else f"measured in the same run, from {tflm}"
    return Bench(windows, how, cells, skipped)


def _by_name(tflm: Path, board: Board) -> dict[str, Library]:
    """The libraries for the board's core, one of each kind."""
    found: dict[str, Library] = {}
    for library in fitting_libraries(tflm, board):
        name = RUNTIMES[library.runtime]
        if name in found:
            raise InputError(
                f"{tflm}: two libraries of {name} are for {board.name} ({found[name].archive} and"
                f" {library.archive})",
                "remove one, or name the folder of the other with --tflm",
            )
        found[name] = library
    return found


def _beside(
    cell: Cell,
    model: TFLiteModel,
    board: Board,
    libraries: Mapping[str, Library],
    inputs: Sequence[Values],
    expected: Sequence[Values],
    out: Path,
    progress: Progress,
) -> Cell:
    """The cell, with the libraries' own figures for the same windows."""
    figures, differing = {}, {}
    for name, library in libraries.items():
        folder = out / f"{model.path.stem}-{board.name}-{library.runtime}"
        image = build_tflm(model, board, library, folder, progress=progress)
        with open_session(image, board) as session:
            run = run_on_board(session, model, inputs, progress)
        assert run.instructions is not None
        figures[name] = Figures(
            instructions=run.instructions.mean,
            ram_bytes=ram_in_use(image, run),
            flash_bytes=image.flash_bytes,
            arena_bytes=image.arena_bytes,
        )
        differing[name] = sum(map(differing_bytes, run.outputs, expected))
    return replace(cell, runtimes=figures, runtimes_differing_bytes=differing)


def _cell(
    model: TFLiteModel,
    board: Board,
    inputs: Sequence[Values],
    expected: Sequence[Values],
    reference: Reference,
    out: Path,
    progress: Progress,
) -> Cell:
    board = with_short_ticks(board)
    image = build_firmware(model, board, out / f"{model.path.stem}-{board.name}", progress=progress)
    with open_session(image, board) as session:
        run = run_on_board(session, model, inputs, progress)
        some = [values[:_PROFILED_WINDOWS] for values in inputs]
        profile = time_steps(session, model, image, some, progress)
    ram_bytes = ram_in_use(image, run)
    assert image.flash_bytes is not None
    assert image.flash_parts is not None
    assert ram_bytes is not None
    instructions = run.instructions
    assert instructions is not None
    macs = model_macs(model)
    figures = Figures(
        instructions=instructions.mean,
        instructions_per_mac=instructions.mean / macs if macs else None,
        ram_bytes=ram_bytes,
        flash_bytes=image.flash_bytes,
        arena_bytes=image.arena_bytes or None,
    ).known()
    recorded = reference.find(model)
    wanted = recorded.targets.get(board.core, Figures()).known()
    return Cell(
        model=str(model.path),
        model_sha256=model.sha256,
        board=board.name,
        core=board.core,
        instructions=instructions,
        macs=macs,
        ram_bytes=ram_bytes,
        flash_bytes=image.flash_bytes,
        flash_parts=image.flash_parts,
        arena_bytes=image.arena_bytes,
        differing_bytes=sum(map(differing_bytes, run.outputs, expected)),
        profile=profile,
        runtimes=recorded.runtimes.get(board.core, {}),
        runtimes_differing_bytes={},
        targets=[
            Target(name, figures[name], limit) for name, limit in wanted.items() if name in figures
        ],
    )
