"""What a compiled model takes in memory, and which op is to blame for it."""

from pydantic import BaseModel, ConfigDict

from firmware_tools.compiler import CompiledModel


class MemoryUse(BaseModel):
    """Bytes of a compiled model.

    `peak_bytes` are alive at once during the op of index `peak_op`: no arena can be smaller. It is
    null where nothing is computed. `largest_op` reads the most bytes of constants.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arena_bytes: int
    peak_bytes: int
    peak_op: int | None
    peak_op_name: str
    constant_bytes: int
    largest_bytes: int
    largest_op: int | None
    largest_op_name: str

    @property
    def peak(self) -> str:
        """For people: which op sets the arena's size."""
        return f"peak {self.peak_bytes} bytes{_at(self.peak_op, self.peak_op_name)}"

    @property
    def largest(self) -> str:
        """For people: which op brings the most constants."""
        return f"the most, {self.largest_bytes}{_at(self.largest_op, self.largest_op_name)}"


def memory_use(compiled: CompiledModel) -> MemoryUse:
    """Count a compiled model's bytes."""
    steps, plan = compiled.program.steps, compiled.plan
    owners = [step for step in steps for _ in step.calls]
    alive = plan.lives.bytes_at()[1 : 1 + len(owners)]  # the first are the inputs before any call
    peak = owners[alive.index(max(alive))].op if owners else None
    held = [sum(table.values.nbytes for table in step.tables) for step in steps]
    largest = steps[held.index(max(held))].op if any(held) else None
    return MemoryUse(
        arena_bytes=plan.size,
        peak_bytes=plan.lives.peak,
        peak_op=peak.index if peak else None,
        peak_op_name=peak.name if peak else "",
        constant_bytes=sum(table.values.nbytes for table in compiled.program.constants),
        largest_bytes=max(held, default=0),
        largest_op=largest.index if largest else None,
        largest_op_name=largest.name if largest else "",
    )


def _at(op: int | None, name: str) -> str:
    return "" if op is None else f" at op {op} ({name})"
