"""The command `midfuse profile`: where a model's instructions go on a board."""

import json
from pathlib import Path

import click
from rich.console import Group
from rich.table import Column, Table

from firmware_tools.board.registry import read_board
from firmware_tools.commands.evaluate import BOARD, MODEL, OUT, PORT, default_out
from firmware_tools.measure.inputs import match_inputs
from firmware_tools.measure.profile import TOLERANCE, Profile, profile_model
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.choice import runtime_options
from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import CheckFailed
from midfuse.core.oracle import read_npz
from midfuse.core.tflite_file import read_tflite

# Steps take nearly the same for every window.
WINDOWS = 4
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
    help=f".npz with an array per input, as `midfuse evaluate` takes [{WINDOWS} windows drawn].",
)
def profile(
    model: Path,
    board: str,
    port: str | None,
    out: Path | None,
    tflm: Path | None,
    inputs: Path | None,
) -> Outcome:
    target = read_board(board)
    tflite = read_tflite(model)
    if inputs is None:
        windows = draw_windows(tflite, WINDOWS)
    else:
        windows = match_inputs(read_npz(inputs), tflite, inputs)
    folder = out or default_out(model, target)
    found = profile_model(
        tflite, target, windows, folder, port=port, tflm=tflm, progress=Terminal()
    )
    figures = folder / "profile.json"
    figures.write_text(json.dumps(found.to_json(), indent=2) + "\n", encoding="utf-8")
    return Outcome(found.to_json(), _view(found), [figures], _verdict(found))


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
