"""What models need on boards, measured there, beside other runtimes' figures and our targets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from firmware_tools.board.registry import Board, board_names, read_board
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.emulate.boot import emulator_for, open_session
from firmware_tools.measure.board_run import ram_in_use, run_on_board
from firmware_tools.measure.compare import differing_bytes
from firmware_tools.measure.profile import time_steps, with_short_ticks
from firmware_tools.measure.reference import Reference
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.interface import Runtime
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.macs import model_macs
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Bench, Cell, Figures, Target
from midfuse.core.tflite_file import TFLiteModel

# Steps take nearly the same for every window.
_PROFILED_WINDOWS = 2
TFLM, CMSIS_NN = "TFLM", "TFLM + CMSIS-NN"
# As reference figures and tables call what an image's `runtime` says.
RUNTIMES = {"tflm": TFLM, "tflm-cmsis-nn": CMSIS_NN}


def cores_here() -> list[Board]:
    """An emulated board a Cortex-M core, the one with most RAM, where its tools are installed."""
    boards = [read_board(name) for name in board_names()]
    best: dict[str, Board] = {}
    for board in boards:
        if board.core.startswith("cortex-m") and board.instructions_per_tick:
            try:
                require_toolchain(board)
                emulator_for(board).require()
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
    runtime: Runtime,
    *,
    skip: bool = False,
    beside: Mapping[str, Sequence[Runtime]] | None = None,
    progress: Progress = SILENT,
) -> Bench:
    """Every model on every board, over the same `windows` drawn for it.

    `beside` has more runtimes to measure, by the board's name; their figures stand in the place of
    what is recorded of other runtimes.

    Images go to `out/MODEL-BOARD`. With `skip`, a model that a board cannot take is passed over.

    Raises:
        InputError: a board that counts no instructions, a model that is not supported or does not
            fit, or with `skip` nothing that could be run.
        DeviceError: a tool or the oracle is missing, or a board does not answer.
    """
    for board in boards:
        if board.instructions_per_tick == 0 or board.memory is None:
            raise InputError(f"{board.name} counts no instructions", "name an emulated board")
        emulator_for(board).require()
    cells, skipped = [], []
    for model in models:
        inputs = draw_windows(model, windows)
        expected = runtime.expected(model, inputs, progress).outputs
        for board in boards:
            try:
                cell = _cell(model, board, runtime, inputs, expected, reference, out, progress)
                if beside is not None:
                    here = beside.get(board.name, [])
                    cell = _beside(cell, model, board, here, inputs, expected, out, progress)
                cells.append(cell)
            except InputError as error:
                if not skip:
                    raise
                skipped.append(f"{model.path.stem} on {board.name}: {error}")
    if not cells:
        raise InputError(skipped[0] if skipped else "no board is ready", "see `midfuse boards`")
    how = "measured in the same run" if beside else reference.how_measured
    return Bench(windows=windows, how_others_were_measured=how, cells=cells, skipped=skipped)


def _beside(
    cell: Cell,
    model: TFLiteModel,
    board: Board,
    runtimes: Sequence[Runtime],
    inputs: Sequence[Values],
    expected: Sequence[Values],
    out: Path,
    progress: Progress,
) -> Cell:
    """The cell, with the other runtimes' own figures for the same windows."""
    figures, differing = {}, {}
    for runtime in runtimes:
        folder = out / f"{model.path.stem}-{board.name}-{runtime.name}"
        image = runtime.build(model, board, folder, progress=progress)
        name = RUNTIMES.get(image.runtime, image.runtime)
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
    return cell.model_copy(update={"runtimes": figures, "runtimes_differing_bytes": differing})


def _cell(
    model: TFLiteModel,
    board: Board,
    runtime: Runtime,
    inputs: Sequence[Values],
    expected: Sequence[Values],
    reference: Reference,
    out: Path,
    progress: Progress,
) -> Cell:
    board = with_short_ticks(board)
    image = runtime.build(model, board, out / f"{model.path.stem}-{board.name}", progress=progress)
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
            Target(figure=name, found=figures[name], at_most=limit, met=figures[name] <= limit)
            for name, limit in wanted.items()
            if name in figures
        ],
    )
