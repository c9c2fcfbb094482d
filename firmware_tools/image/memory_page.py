"""`memory.html`: a drawing of the arena over time, and where the flash goes; needs no network."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_tools.board.registry import Board
from firmware_tools.compiler import CompiledModel
from firmware_tools.compiler.liveness import Block
from firmware_tools.compiler.program import Constant, Step
from midfuse.core.files import publish
from midfuse.core.render import render
from midfuse.core.results import MemoryUse
from midfuse.core.tflite_file import Op, TFLiteModel

# The drawing in pixels: margins, the plot, and the room that a column and a letter take.
_LEFT, _TOP, _HEIGHT, _BOTTOM, _RIGHT = 58, 26, 320, 135, 75
_COLUMN, _LETTER, _LINE = (18, 72), 6.8, 13
_WIDTH = 1060
_COLORS = {"input": "#9cc5a1", "tensor": "#a9c4e4", "output": "#d9aeb7"}


@dataclass(frozen=True)
class Rectangle:
    """A block of the arena in the drawing: x is time, y is address."""

    names: list[str]
    kind: str
    bytes: int
    address: int
    life: str
    x: float
    y: float
    width: float
    height: float

    @property
    def color(self) -> str:
        return _COLORS[self.kind]

    @property
    def short(self) -> str:
        """The end of the first name, which tells tensors apart, and how many share the block."""
        more = len(self.names) - 1
        return _end(self.names[0], 40) + (f" and {more} more" if more else "")

    @property
    def lines(self) -> list[str]:
        """What there is room for: the end of the name, the size."""
        room = int((self.width - 6) / _LETTER)
        lines = [_end(self.names[0], room), f"{self.bytes} B"]
        return lines[: int((self.height - 2) / _LINE)] if room >= 5 else []


def _end(name: str, room: int) -> str:
    return name if len(name) <= room else f"…{name[len(name) - room + 1 :]}"


@dataclass(frozen=True)
class Row:
    """One step of an inference: the ops that it carries out, its kernels, its bytes."""

    ops: str
    kernels: str
    alive: int
    constants: int
    is_peak: bool


def memory_report(
    model: TFLiteModel,
    compiled: CompiledModel,
    memory: MemoryUse,
    *,
    board: Board | None = None,
    flash_parts: Mapping[str, int] | None = None,
) -> str:
    """The page. Without `flash_parts`, of an image, it shows the constants alone."""
    steps = compiled.program.steps
    owners = [step for step in steps for _ in step.calls]
    kept = {op.index for step in steps for op in step.ops}
    columns = len(owners) + 2  # the inputs before the first call, the outputs after the last
    column = min(max(_WIDTH / columns, _COLUMN[0]), _COLUMN[1])
    alive = compiled.plan.lives.bytes_at()
    peak = next((at for at in range(1, columns) if alive[at] == memory.peak_bytes), 0)
    parts = dict(flash_parts or {"constants": memory.constant_bytes})
    del parts["constants"]
    return render(
        Path(__file__).with_name("memory.html.j2"),
        {
            "model": model,
            "memory": memory,
            "board": board,
            "colors": _COLORS,
            "rectangles": list(_rectangles(compiled, column)),
            "labels": list(_labels(owners, column)),
            "ticks": list(_ticks(memory.arena_bytes)),
            "plot": {"left": _LEFT, "top": _TOP, "bottom": _TOP + _HEIGHT},
            "width": _LEFT + columns * column + _RIGHT,
            "height": _TOP + _HEIGHT + _BOTTOM,
            "column": column,
            "peak": _LEFT + peak * column,
            "rows": list(_rows(steps, alive, memory.peak_op)),
            "gone": [_name(op) for op in model.ops if op.index not in kept],
            "parts": _constants(steps) | parts,
            "linked": flash_parts is not None,
        },
    )


def write_report(page: str, out: Path) -> Path:
    """Put the page into `out/memory.html`."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "memory.html").write_text(page, encoding="utf-8")
        return publish(Path(scratch), out)[0]


def _rectangles(compiled: CompiledModel, column: float) -> Iterator[Rectangle]:
    plan, model = compiled.plan, compiled.program.model  # with the kernels' own buffers
    tensors_of: dict[int, list[int]] = {}
    for tensor, block in plan.lives.blocks.items():
        tensors_of.setdefault(id(block), []).append(tensor)
    owners = [step for step in compiled.program.steps for _ in step.calls]
    scale = _HEIGHT / max(plan.size, 1)
    for block in plan.lives.distinct:
        tensors = tensors_of[id(block)]
        address = plan.offsets[tensors[0]]
        kind = "input" if set(tensors) & set(model.inputs) else "tensor"
        yield Rectangle(
            names=[model.tensors[tensor].name or f"tensor {tensor}" for tensor in tensors],
            kind="output" if set(tensors) & set(model.outputs) else kind,
            bytes=block.size,
            address=address,
            life=_life(block, owners),
            x=_LEFT + (block.first + 1) * column,
            y=_TOP + _HEIGHT - (address + block.size) * scale,
            width=(block.last - block.first + 1) * column,
            height=block.size * scale,
        )


def _life(block: Block, owners: Sequence[Step]) -> str:
    names = ["before", *(f"op {step.op.index}" for step in owners), "the end"]
    first, last = names[block.first + 1], names[block.last + 1]
    return first if first == last else f"{first} to {last}"


def _labels(owners: Sequence[Step], column: float) -> Iterator[tuple[float, str]]:
    """Under the first call of each step, and under the columns at both ends."""
    yield _LEFT + column / 2, "inputs"
    for at, step in enumerate(owners):
        if at == 0 or owners[at - 1] is not step:
            yield _LEFT + (at + 1.5) * column, _name(step.op) + "+" * (len(step.ops) > 1)
    yield _LEFT + (len(owners) + 1.5) * column, "outputs"


def _name(op: Op) -> str:
    return f"{op.index} {op.name}"


def _ticks(size: int) -> Iterator[tuple[float, int]]:
    """Addresses on the axis: quarters, and the end."""
    for quarter in range(5):
        yield _TOP + _HEIGHT * (1 - quarter / 4), size * quarter // 4


def _rows(steps: Sequence[Step], alive: list[int], peak: int | None) -> Iterator[Row]:
    time = 1  # the bytes before the first call come first
    for step in steps:
        during = alive[time : time + len(step.calls)]
        time += len(step.calls)
        yield Row(
            ops=" + ".join(map(_name, step.ops)),
            kernels=", ".join(dict.fromkeys(call.function for call in step.calls)),
            alive=max(during, default=0),
            constants=sum({t.name: t.values.nbytes for t in step.tables}.values()),
            is_peak=step.op.index == peak,
        )


def _constants(steps: Sequence[Step]) -> dict[str, int]:
    """Bytes of constants by what they are for, each table once."""
    parts = {"weights": 0, "biases and multipliers": 0, "tables": 0}
    kinds = {
        "weights": "weights",
        **dict.fromkeys(("bias", "multiplier", "shift"), "biases and multipliers"),
    }
    named = {table.name: (field, table) for step in steps for field, table in _named_tables(step)}
    for field, table in named.values():
        parts[kinds.get(field, "tables")] += table.values.nbytes
    return parts


def _named_tables(step: Step) -> Iterator[tuple[str, Constant]]:
    """The tables that a step's calls read, each with the name of its parameter."""
    values: list[tuple[str, Any]] = []
    for call in step.calls:
        values += [("", operand) for operand in call.operands]
        values += call.fields.items()
    while values:
        name, value = values.pop(0)
        if isinstance(value, Constant):
            yield name, value
        elif isinstance(value, Mapping):
            values += value.items()
