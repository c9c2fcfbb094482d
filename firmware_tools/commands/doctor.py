"""The command `midfuse doctor`: what this machine has and lacks, and the lines that mend it."""

import sys
from dataclasses import asdict

import click
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from firmware_tools.board.registry import read_board
from firmware_tools.doctor import examine
from firmware_tools.doctor.finding import Finding
from firmware_tools.doctor.install import install
from midfuse.cli.console import Outcome, command
from midfuse.core.errors import DeviceError, InputError

_HELP = """What is installed, plugged in and permitted, and the line that mends the rest.

"missing" is what the board needs and this machine lacks; the exit code is then 3. "optional" is
what other boards and other commands need.
"""
_COLORS = {"ready": "green", "missing": "red", "optional": "yellow"}


@command(name="doctor", help=_HELP)
@click.option(
    "--board", default="qemu-mps2-an386", show_default=True, help="The board to get ready for."
)
@click.option(
    "--install", "installs", is_flag=True, help="Run the apt-get lines of what is missing."
)
@click.option("--yes", is_flag=True, help="With --install: do not ask.")
def doctor(board: str, installs: bool, yes: bool) -> Outcome:
    target = read_board(board)
    findings = examine(target)
    packages = " ".join(each.packages for each in _missing(findings) if each.packages)
    if installs and packages:
        install(packages, _run if yes else _ask)
        findings = examine(target)
    missing = _missing(findings)
    data = {
        "board": target.name,
        "ready": not missing,
        "findings": [asdict(each) for each in findings],
    }
    return Outcome(data, _view(findings), failure=_failure(board, missing))


def _missing(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.state == "missing"]


def _run(lines: str) -> None:
    click.echo(lines, err=True)


def _ask(lines: str) -> None:
    if not sys.stdin.isatty():
        raise InputError("--install asks before it installs, and nobody is there", "pass --yes")
    click.confirm(f"{lines}\nRun this?", abort=True, err=True)


def _failure(board: str, missing: list[Finding]) -> DeviceError | None:
    if not missing:
        return None
    what = ", ".join(each.what for each in missing)
    remedy = "run the lines above"
    if any(each.packages for each in missing):
        remedy += "; --install runs those of apt-get"
    return DeviceError(f"{board} is not ready: {what}", remedy)


def _view(findings: list[Finding]) -> Group:
    table = Table(Column("", no_wrap=True), "", "found")
    for each in findings:
        table.add_row(Text(each.state, _COLORS[each.state]), Text(each.what), Text(each.found))
    # Not in the table: a line that is to be pasted must not be broken.
    lines = [
        Text(f"\n{each.state}: {each.what}\n  {each.remedy}", no_wrap=True, overflow="ignore")
        for state in ("missing", "optional")
        for each in findings
        if each.state == state
    ]
    return Group(table, *lines)
