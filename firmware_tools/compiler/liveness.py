"""When each byte of the arena is needed: blocks of storage and their lives.

Time is counted in kernel calls, the first at 0; a model's inputs are there before it, at -1, and
its outputs are needed when the last call is over. Tensors share a block where one lies within
another, and where an element-wise call writes over an input that nobody reads any more.
"""

from dataclasses import dataclass

from firmware_tools.compiler.program import Program, Slot


@dataclass
class Block:
    """Bytes that one or more tensors share, from the call that first writes them to the last that
    reads them."""

    size: int
    first: int
    last: int

    def meets(self, other: "Block") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Liveness:
    """The block of each tensor that has storage of its own; one block may stand for several."""

    blocks: dict[int, Block]
    end: int

    @property
    def distinct(self) -> list[Block]:
        return list({id(block): block for block in self.blocks.values()}.values())

    def bytes_at(self) -> list[int]:
        """How many bytes are alive at each time, the inputs' first."""
        changes = [0] * (self.end + 3)
        for block in self.distinct:
            changes[block.first + 1] += block.size
            changes[block.last + 2] -= block.size
        alive, total = [], 0
        for change in changes[:-1]:
            total += change
            alive.append(total)
        return alive

    @property
    def peak(self) -> int:
        """The most bytes alive at once: no plan can need fewer."""
        return max(self.bytes_at())


def find_lives(program: Program, *, in_place: bool) -> Liveness:
    """The blocks of a program; without `in_place` no call writes over an input."""
    tensors, calls = program.model.tensors, [call for step in program.steps for call in step.calls]
    end = len(calls)
    blocks: dict[int, Block] = {}

    def touch(tensor: int, time: int) -> None:
        root = program.storage(tensor).tensor
        block = blocks.setdefault(root, Block(tensors[root].bytes, time, time))
        block.first, block.last = min(block.first, time), max(block.last, time)

    for tensor in program.model.inputs:
        touch(tensor, -1)
    for time, call in enumerate(calls):
        for slot in (*call.reads, call.output):
            touch(slot.tensor, time)
    for tensor in program.model.outputs:
        touch(tensor, end)
    if in_place:
        for time, call in enumerate(calls):
            block = blocks[program.storage(call.output.tensor).tensor]
            if block.first != time or program.storage(call.output.tensor) != call.output:
                continue
            for candidate in map(program.storage, call.in_place):
                old = blocks[candidate.tensor]
                if (
                    candidate == Slot(candidate.tensor)
                    and old.last == time
                    and old.size == block.size
                ):
                    old.last = block.last
                    blocks[call.output.tensor] = old
                    break
    return Liveness(blocks, end)
