"""The command `midfuse profile`: where a model's instructions go on a board."""

from pathlib import Path

import click
from rich.console import Group
from rich.table import Column, Table

from firmware_tools import api
from firmware_tools.commands.options import BOARD, MODEL, OUT, PORT, runtime_options
from firmware_tools.measure.profile import TOLERANCE
from firmware_tools.runtimes.interface import Runtime
from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import CheckFailed
from midfuse.core.results import Profile

_BAR = 8

_HELP = f"""Time every step of a model's inference on a board.

A step is one call of the compiled model, which may join several of the .tflite's operators. The
image is the one that `midfuse build` writes. On an emulated board the figures are instructions,
each right to within one. The exit code is 1 where the steps' sum is more than {TOLERANCE:.0%} off
the whole inference.
"""


@command(name="profile", help=_HELP)
@MODEL
@BOARD
@PORT
@OUT
@runtime_options
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    help=".npz with an array per input, as `midfuse evaluate` takes"
    f" [{api.PROFILED_WINDOWS} windows drawn].",
)
def profile(
    model: Path,
    board: str,
    port: str | None,
    out: Path | None,
    runtime: Runtime,
    inputs: Path | None,
) -> Outcome:
    folder = out or api.default_out(model, board)
    found = api.profile(
        model, board, inputs, folder, port=port, runtime=runtime, progress=Terminal()
    )
    return Outcome(found.to_json(), _view(found), [folder / "profile.json"], _verdict(found))


def _verdict(profile: Profile) -> CheckFailed | None:
    # A clock's time varies with whatever else the computer does.
    if profile.unit == "nanoseconds" or abs(profile.difference) <= TOLERANCE:
        return None
    return CheckFailed(
        f"{profile.model}: the steps take {profile.steps_taken:,.0f} instructions, the whole"
        f" inference {profile.taken:,.0f}",
        "report it with the model",
    )


def _view(profile: Profile) -> Group:
    steps = _table(profile, "step", "op")
    for row in profile.steps:
        steps.add_row(
            str(row.step),
            "\n".join(map(str, row.ops)),
            _lines(row.name),
            *_figures(row.taken, row.share, row.macs),
        )
    kinds = _table(profile, "steps")
    names = dict.fromkeys(row.name for row in profile.steps)
    for name in sorted(names, key=lambda name: -_sum(profile, name)[0]):
        alike = sum(row.name == name for row in profile.steps)
        kinds.add_row(str(alike), _lines(name), *_figures(*_sum(profile, name)))
    whole = (
        f"{profile.taken:,.0f} {profile.unit} an inference on {profile.board} (mean of"
        f" {profile.windows}), the steps {profile.steps_taken:,.0f}: {profile.difference:.2%} are"
        f" between them; {profile.macs:,} multiply-accumulates; runtime {profile.runtime}"
    )
    return Group(steps, kinds, whole)


def _table(profile: Profile, *first: str) -> Table:
    names = (*first, profile.unit, "share", "MACs", f"MACs/\n{profile.unit[:5]}")
    columns = [Column(name, justify="right", no_wrap=True) for name in names]
    columns.insert(len(first), Column("name", no_wrap=True))
    return Table(*columns, Column("", no_wrap=True))


def _figures(taken: float, share: float, macs: int) -> list[str]:
    """What a row ends with."""
    return [
        f"{taken:,.0f}",
        f"{share:.1%}",
        f"{macs:,}" if macs else "",
        f"{macs / taken:.2f}" if macs and taken else "",
        "█" * round(share * _BAR),
    ]


def _sum(profile: Profile, name: str) -> tuple[float, float, int]:
    rows = [row for row in profile.steps if row.name == name]
    return sum(r.taken for r in rows), sum(r.share for r in rows), sum(r.macs for r in rows)


def _lines(name: str) -> str:
    """The operators that a step joins, one a line."""
    return name.replace("+", "\n")
