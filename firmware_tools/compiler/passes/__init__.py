"""The graph passes, in the order in which they run. Each gives a program with the same outputs.

None of them changes arithmetic: what is rounded stays rounded as TFLM rounds it.
"""

from collections.abc import Callable, Sequence

from firmware_tools.compiler.passes.clamps import fold_clamps
from firmware_tools.compiler.passes.dead import drop_dead
from firmware_tools.compiler.passes.fills import narrow_fills
from firmware_tools.compiler.passes.lookups import drop_identities, merge_lookups
from firmware_tools.compiler.passes.read_through import read_through_copies
from firmware_tools.compiler.passes.rewriting import resolve_parts
from firmware_tools.compiler.passes.slabs import work_in_slabs
from firmware_tools.compiler.passes.tabulate import tabulate
from firmware_tools.compiler.passes.views import place_parts, view_slices
from firmware_tools.compiler.passes.write_through import write_through_copies
from firmware_tools.compiler.program import Program

Pass = Callable[[Program], Program]

PASSES: tuple[Pass, ...] = (
    resolve_parts,  # a RESHAPE's output: its input
    drop_dead,  # calls whose output nobody reads
    tabulate,  # an element-wise kernel on a tensor and a number: a look-up
    drop_identities,  # look-ups that change nothing
    merge_lookups,  # two look-ups in a row
    fold_clamps,  # a look-up that only clamps, into the kernel before it
    narrow_fills,  # a PAD whose margins are runs of bytes: only they are filled
    view_slices,  # a slice that is one run of bytes: a part of its input
    read_through_copies,  # a kernel that reads with strides: from where the copy read
    work_in_slabs,  # a chain of row-wise kernels: a row at a time
    write_through_copies,  # a kernel that writes with strides: to where the copy writes
    place_parts,  # what is joined in one run of bytes: made in its place
)


def run_passes(program: Program, passes: Sequence[Pass] = PASSES) -> Program:
    """The program after these passes, in turn."""
    for each in passes:
        program = each(program)
    return program
