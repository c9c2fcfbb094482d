"""What a compiled model takes in memory, and which op is to blame for it."""

from dataclasses import dataclass

from firmware_tools.compiler import CompiledModel
from firmware_tools.compiler.program import Call, Constant, Step


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of a compiled model.

    `peak_bytes` are alive at once during the op of index `peak_op`: no arena can be smaller. It is
    null where nothing is computed. `largest_constant_op` needs the table of the most bytes.
    """

    arena_bytes: int
    peak_bytes: int
    peak_op: int | None
    peak_op_name: str
    constant_bytes: int
    largest_constant_bytes: int
    largest_constant_op: int | None
    largest_constant_op_name: str

    @property
    def peak(self) -> str:
        """For people: the one line about the arena."""
        where = "" if self.peak_op is None else f" at op {self.peak_op} ({self.peak_op_name})"
        return f"peak {self.peak_bytes} bytes{where}"


def memory_use(compiled: CompiledModel) -> MemoryUse:
    """Count a compiled model's bytes."""
    steps, plan = compiled.program.steps, compiled.plan
    owners = [step for step in steps for _ in step.calls]
    alive = plan.lives.bytes_at()[1 : 1 + len(owners)]  # the first are the inputs before any call
    peak = owners[alive.index(max(alive))] if owners else None
    held = [(constant.values.nbytes, step) for step in steps for constant in tables(step)]
    bytes_, largest = max(held, key=lambda each: each[0], default=(0, None))
    return MemoryUse(
        arena_bytes=plan.size,
        peak_bytes=plan.lives.peak,
        peak_op=peak.op.index if peak else None,
        peak_op_name=peak.op.name if peak else "",
        constant_bytes=sum(constant.values.nbytes for constant in compiled.program.constants),
        largest_constant_bytes=bytes_,
        largest_constant_op=largest.op.index if largest else None,
        largest_constant_op_name=largest.op.name if largest else "",
    )


def tables(step: Step) -> list[Constant]:
    """The tables that a step's calls read, as operands or through their parameters."""
    return [constant for call in step.calls for constant in _tables(call)]


def _tables(call: Call) -> list[Constant]:
    values: list[object] = [*call.operands, *call.fields.values()]
    found = []
    while values:
        value = values.pop(0)
        if isinstance(value, Constant):
            found.append(value)
        elif isinstance(value, dict):
            values += value.values()
    return found
