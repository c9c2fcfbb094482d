"""The front door: lazy, instant, and one line for every error."""

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from midfuse import __version__
from midfuse.cli.console import Outcome, command
from midfuse.cli.main import COMMANDS, main
from midfuse.core.errors import CheckFailed, DeviceError, InputError, MidfuseError

HEAVY = {"torch", "tensorflow", "onnx", "sklearn", "onnx2tf", "ai_edge_quantizer"}


def modules_after(arguments: list[str]) -> set[str]:
    """Top-level packages that a command has imported when it ends."""
    code = (
        "import sys\n"
        "from midfuse.cli.main import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


def test_help_imports_no_room() -> None:
    rooms = {"trainer", "converter", "firmware_tools"}
    assert not modules_after(["--help"]) & (HEAVY | rooms | {"numpy", "pydantic"})


@pytest.mark.parametrize(
    "arguments", [["boards"], ["doctor"], ["evaluate", "--help"], ["build", "--help"]]
)
def test_bench_commands_import_neither_torch_nor_tensorflow(arguments: list[str]) -> None:
    assert not modules_after(arguments) & HEAVY


def every_command() -> Iterator[list[str]]:
    """The words of each command, those of a group by themselves."""
    for name in COMMANDS:
        found = main.get_command(click.Context(main), name)
        if isinstance(found, click.Group):
            yield from ([name, each] for each in found.commands)
        else:
            yield [name]


def test_every_command_has_help_json_and_debug() -> None:
    for words in every_command():
        answer = CliRunner().invoke(main, [*words, "--help"])
        assert answer.exit_code == 0, words
        assert "--json" in answer.output, words
        assert "--debug" in answer.output, words


def test_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


def test_unknown_command_is_wrong_use() -> None:
    assert CliRunner().invoke(main, ["fly"]).exit_code == 2


def failing(error: MidfuseError, *, after_showing: bool) -> "Outcome":
    if not after_showing:
        raise error
    return Outcome({"figure": 1}, "figure: 1", failure=error)


@pytest.mark.parametrize(
    ("error", "code"), [(CheckFailed("a"), 1), (InputError("a"), 2), (DeviceError("a"), 3)]
)
@pytest.mark.parametrize("after_showing", [False, True])
def test_exit_codes(error: MidfuseError, code: int, after_showing: bool) -> None:
    runner = CliRunner()
    answer = runner.invoke(
        command(name="x")(lambda: failing(error, after_showing=after_showing)), ["--json"]
    )
    assert answer.exit_code == code
    assert answer.stderr == "error: a\n"
    if after_showing:
        assert json.loads(answer.stdout) == {"figure": 1}


def test_debug_shows_the_traceback() -> None:
    failing_command = command(name="x")(lambda: failing(InputError("a"), after_showing=False))
    answer = CliRunner().invoke(failing_command, ["--debug"])
    assert isinstance(answer.exception, InputError)


def test_an_error_says_what_to_do() -> None:
    assert str(InputError("x.npz: no labels", "pass --labels")) == "x.npz: no labels; pass --labels"
