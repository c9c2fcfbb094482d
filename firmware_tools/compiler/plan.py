"""The arena: every activation gets an offset, and tensors that never live together share bytes.

Storage is shared three ways: a RESHAPE's output is its input; an element-wise operator writes over
an input that nobody needs any more; and disjoint lifetimes overlap in the arena, largest tensor
first, each at the lowest offset that is free during its life. An observable build does only the
first, so that every tensor can still be read when the inference is over.
"""

from dataclasses import dataclass

from firmware_tools.compiler.program import Step
from midfuse.tflite_file import TFLiteModel

_ALIGNMENT = 4  # word loads in kernels stay aligned for a tensor's first element


@dataclass
class _Block:
    """Bytes that one or more tensors share, from the step that writes them to the last reader."""

    size: int
    first: int
    last: int
    offset: int = 0

    def meets(self, other: "_Block") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class ArenaPlan:
    """Offsets by tensor index, and the arena's size."""

    offsets: dict[int, int]
    size: int


def plan_arena(model: TFLiteModel, steps: list[Step], *, observable: bool) -> ArenaPlan:
    """Place every activation of the model; see the module's docstring."""
    blocks = _blocks(model, steps, in_place=not observable)
    distinct = list({id(block): block for block in blocks.values()}.values())
    if observable:
        end = 0
        for block in distinct:
            block.offset = end
            end += _aligned(block.size)
    else:
        end = _place(distinct)
    return ArenaPlan({index: block.offset for index, block in blocks.items()}, end)


def _blocks(model: TFLiteModel, steps: list[Step], *, in_place: bool) -> dict[int, _Block]:
    last_use = _last_uses(model, steps)
    blocks: dict[int, _Block] = {}
    for index in model.inputs:
        blocks[index] = _Block(model.tensors[index].elements, -1, last_use[index])
    for at, step in enumerate(steps):
        for index in step.op.outputs:
            size = model.tensors[index].elements
            shared = None
            if not step.calls:  # RESHAPE
                shared = blocks[step.op.inputs[0]]
            elif in_place and len(step.calls) == 1:
                candidates = [blocks[i] for i in step.calls[0].in_place if i in blocks]
                shared = next((b for b in candidates if b.last == at and b.size == size), None)
            if shared is None:
                shared = _Block(size, at, at)
            shared.last = max(shared.last, last_use.get(index, at))
            blocks[index] = shared
    return blocks


def _last_uses(model: TFLiteModel, steps: list[Step]) -> dict[int, int]:
    """The last step that reads each tensor; through a RESHAPE, the last that reads either."""
    uses = dict.fromkeys(model.outputs, len(steps))
    for index in model.inputs:
        uses.setdefault(index, 0)
    for at in range(len(steps) - 1, -1, -1):
        step = steps[at]
        ends = [uses.get(index, at) for index in step.op.outputs] if not step.calls else [at]
        for index in step.op.inputs:
            if index >= 0:
                uses[index] = max(uses.get(index, -1), *ends)
    return uses


def _place(blocks: list[_Block]) -> int:
    placed: list[_Block] = []
    for block in sorted(blocks, key=lambda b: (-b.size, b.first)):
        block.offset = 0
        for other in sorted((p for p in placed if p.meets(block)), key=lambda p: p.offset):
            if block.offset + block.size <= other.offset:
                break
            block.offset = max(block.offset, _aligned(other.offset + other.size))
        placed.append(block)
    return max((_aligned(block.offset + block.size) for block in placed), default=0)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
