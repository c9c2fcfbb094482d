"""When each byte of the arena is needed: blocks of storage and their lives.

Time is counted in kernel calls, the first at 0; a model's inputs are there before it, at -1, and
its outputs are needed when the last call is over. Tensors share a block where one lies within
another, and where an element-wise call writes over an input that nobody reads any more.
"""

from dataclasses import dataclass
from functools import lru_cache

from firmware_tools.compiler.program import Call, Program, Slot

# Kernels may read words: a larger tensor starts at one, a smaller would lose too much to the gap.
_WORD, _WORTH_A_WORD = 4, 64


@dataclass
class Block:
    """Bytes that one or more tensors share, from the call that first writes them to the last that
    reads them; `alignment` is what the start must be a multiple of."""

    size: int
    first: int
    last: int
    alignment: int = 1

    def after(self, end: int) -> int:
        """The first place from `end` on that it can start at."""
        return -(-end // self.alignment) * self.alignment

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

    def bytes_at(self, *, padded: bool = False) -> list[int]:
        """How many bytes are alive at each time, the inputs' first.

        `padded` counts blocks as if others of the same alignment followed."""
        changes = [0] * (self.end + 3)
        for block in self.distinct:
            size = block.after(block.size) if padded else block.size
            changes[block.first + 1] += size
            changes[block.last + 2] -= size
        alive, total = [], 0
        for change in changes[:-1]:
            total += change
            alive.append(total)
        return alive

    @property
    def peak(self) -> int:
        """The most bytes alive at once: no plan can need fewer."""
        return max(self.bytes_at())


@lru_cache(maxsize=4)
def find_lives(program: Program, *, in_place: bool) -> Liveness:
    """The blocks of a program; without `in_place` no call writes over an input."""
    blocks: dict[int, Block] = {}

    def touch(tensor: int, first: int, last: int) -> None:
        root = program.storage(tensor).tensor
        size = program.bytes(root)
        block = blocks.setdefault(root, Block(size, first, last, _alignment(program, root, size)))
        block.first, block.last = min(block.first, first), max(block.last, last)

    for tensor in program.model.inputs:
        touch(tensor, -1, -1)
    time = 0
    for step in program.steps:
        begun = time
        for time, call in enumerate(step.calls, begun):
            for slot in (*call.reads, call.output):
                # What outlives a loop's round is needed from the first round to the last.
                whole = step.loops and slot.tensor not in program.slabs
                touch(
                    slot.tensor, *((begun, begun + len(step.calls) - 1) if whole else (time, time))
                )
        time = begun + len(step.calls)
    for tensor in program.model.outputs:
        touch(tensor, time, time)
    if in_place:
        for at, call in enumerate(program.calls):
            _write_over_input(program, blocks, call, at)
    return Liveness(blocks, time)


def _alignment(program: Program, tensor: int, size: int) -> int:
    item = program.model.tensors[tensor].item_bytes
    return max(item, _WORD) if size >= _WORTH_A_WORD else item


def _write_over_input(program: Program, blocks: dict[int, Block], call: Call, time: int) -> None:
    """Let the call's output take over the block of an operand that dies here, if one may be."""
    output = program.storage(call.output.tensor).tensor
    block = blocks[output]
    if block.first != time or _place(program, call.output) != Slot(output):
        return
    for position in call.in_place:
        operand = call.operands[position]
        if not isinstance(operand, Slot):
            continue
        place = _place(program, operand)
        old = blocks[place.tensor]
        # Another operand in the same storage is read element by element with this one, or is lost.
        others = [
            other
            for at, other in enumerate(call.operands)
            if isinstance(other, Slot)
            and _place(program, other).tensor == place.tensor
            and not (at in call.in_place and other == operand)
        ]
        whole = place == Slot(place.tensor) and old.size == block.size
        if old is not block and whole and old.last == time and not others:
            old.last, old.alignment = block.last, max(old.alignment, block.alignment)
            blocks[output] = old
            return


def _place(program: Program, slot: Slot) -> Slot:
    """A slot in the storage that it lies in."""
    within = program.storage(slot.tensor)
    return Slot(within.tensor, within.offset + slot.offset, slot.advance)
