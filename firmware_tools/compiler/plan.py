"""The arena: every activation gets an offset, and blocks that never live together share bytes.

A block goes to the lowest offset that is free during its life; what is left to choose is the order
in which blocks are placed. The largest first is right for most models, the longest-lived or the
first to be written for others. Where gaps are left, single blocks, every other time one that ends
highest, move to other places in the order as long as that makes the arena no larger, until it is as
small as the bytes that are alive at once, or the search has done its share of work. An observable
build places all tensors side by side, so that each can still be read when the inference is over.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from firmware_tools.compiler.liveness import Block, Liveness, find_lives
from firmware_tools.compiler.program import Program

_SEARCH_STEPS = 1_000_000  # comparisons of two blocks
_RANKS: tuple[Callable[[Block], tuple[int, ...]], ...] = (
    lambda block: (-block.size, block.first),
    lambda block: (-block.size * (1 + block.last - block.first), block.first),
    lambda block: (block.first - block.last, -block.size),
    lambda block: (block.first, -block.size),
)


@dataclass(frozen=True)
class ArenaPlan:
    """Offsets in bytes by tensor index, and the arena's size."""

    offsets: dict[int, int]
    size: int
    lives: Liveness


def plan_arena(program: Program, *, observable: bool) -> ArenaPlan:
    """Place every activation of the program; see the module's docstring."""
    lives = find_lives(program, in_place=not observable)
    blocks = lives.distinct
    places = (
        _side_by_side(blocks)
        if observable
        else _overlapping(blocks, max(lives.bytes_at(padded=True)))
    )
    place_of = {id(block): place for block, place in zip(blocks, places, strict=True)}
    offsets = {tensor: place_of[id(block)] for tensor, block in lives.blocks.items()}
    for tensor in program.parts:
        storage = program.storage(tensor)
        if storage.tensor in offsets:
            item = program.model.tensors[tensor].item_bytes
            offsets[tensor] = offsets[storage.tensor] + storage.offset * item
    return ArenaPlan(offsets, _end(blocks, places), lives)


def _side_by_side(blocks: list[Block]) -> list[int]:
    places, end = [], 0
    for block in blocks:
        places.append(block.after(end))
        end = places[-1] + block.size
    return places


def _overlapping(blocks: list[Block], bound: int) -> list[int]:
    meets = [
        [j for j, other in enumerate(blocks) if j != i and block.meets(other)]
        for i, block in enumerate(blocks)
    ]
    orders = [sorted(range(len(blocks)), key=lambda i: rank(blocks[i])) for rank in _RANKS]
    tried = [(order, _place(blocks, meets, order)) for order in orders]
    order, best = min(tried, key=lambda each: _end(blocks, each[1]))
    chance = random.Random(0)  # the same model gives the same plan
    for _ in range(_SEARCH_STEPS // (1 + sum(map(len, meets)))):
        end = _end(blocks, best)
        if end <= bound:
            break
        highest = [i for i in order if best[i] + blocks[i].size == end]
        moved = chance.choice(highest if chance.randrange(2) else order)
        changed = [i for i in order if i != moved]
        changed.insert(chance.randrange(len(order)), moved)
        places = _place(blocks, meets, changed)
        if _end(blocks, places) <= end:
            order, best = changed, places
    return best


def _place(blocks: list[Block], meets: list[list[int]], order: list[int]) -> list[int]:
    places = [-1] * len(blocks)
    for i in order:
        place = 0
        for j in sorted((j for j in meets[i] if places[j] >= 0), key=places.__getitem__):
            if place + blocks[i].size <= places[j]:
                break
            place = max(place, blocks[i].after(places[j] + blocks[j].size))
        places[i] = place
    return places


def _end(blocks: list[Block], places: list[int]) -> int:
    return max((place + block.size for block, place in zip(blocks, places, strict=True)), default=0)
