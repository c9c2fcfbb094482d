"""What a compiled model takes in memory, and which op is to blame for it."""

from firmware_tools.compiler import CompiledModel
from midfuse.core.results import MemoryUse


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
