"""The pytest plugin: `pytest --midfuse-board NAME` gives tests a board to put models on.

    def test_accuracy(midfuse_board):
        model = midfuse_board.load("student_int8.tflite")
        model.assert_accuracy(inputs, labels, at_least=0.9)

What the board did stands in each test's properties, which `--junitxml` writes out and the summary
at the end shows. It imports nothing heavy until a test asks for the board.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from firmware_tools.testing.board import BoardUnderTest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("midfuse", "tests on a microcontroller board")
    group.addoption("--midfuse-board", metavar="NAME", help="board for the midfuse_board fixture")
    group.addoption("--midfuse-port", metavar="PORT", help="serial port of a board that is there")
    group.addoption("--midfuse-probe", metavar="ID", help="what flashes it, if there are several")
    group.addoption(
        "--midfuse-runtime",
        metavar="NAME",
        default="midfuse",
        help="what carries out an inference; the environment's MIDFUSE_TFLM says where TFLM is",
    )


def pytest_configure(config: pytest.Config) -> None:
    name, port = config.getoption("--midfuse-board"), config.getoption("--midfuse-port")
    if port is None and config.getoption("--midfuse-probe") is not None:
        raise pytest.UsageError("--midfuse-probe: say where the board answers with --midfuse-port")
    if name is None:
        if port is not None:
            raise pytest.UsageError("--midfuse-port: say which board it is with --midfuse-board")
        return
    from firmware_tools.board.registry import read_board
    from firmware_tools.runtimes.interface import find_runtime
    from midfuse.core.errors import MidfuseError

    try:
        board = read_board(name)
    except MidfuseError as error:
        raise pytest.UsageError(f"--midfuse-board: {error}") from None
    if port is None and board.emulator is None:
        raise pytest.UsageError(f"--midfuse-board: {name} is not emulated; add --midfuse-port")
    runtime = config.getoption("--midfuse-runtime")
    if runtime == "tflm" and "MIDFUSE_TFLM" not in os.environ:
        raise pytest.UsageError(
            "--midfuse-runtime tflm: MIDFUSE_TFLM names no checkout of tflite-micro; set it"
        )
    try:
        find_runtime(runtime)
    except MidfuseError as error:
        raise pytest.UsageError(f"--midfuse-runtime: {error}") from None
    workers = config.getoption("numprocesses", default=None) or 1  # of pytest-xdist
    if port is not None and workers > 1:
        raise pytest.UsageError(f"--midfuse-port: {workers} workers, one board; leave out -n")
    for option in ("--midfuse-port", "--midfuse-probe"):
        _check_root(config, option)


def _check_root(config: pytest.Config, option: str) -> None:
    """pytest looks for its root before it knows this plugin's options: what follows one after a
    blank it takes for a test's path, and then it finds no pyproject.toml of the user's.
    """
    value = config.getoption(option)
    root = config.rootpath
    if value is not None and root != root.parent and Path(value).is_relative_to(root):
        raise pytest.UsageError(f"{option}: write {option}={value}, or pytest's root is {root}")


def pytest_report_header(config: pytest.Config) -> str | None:
    name, port = config.getoption("--midfuse-board"), config.getoption("--midfuse-port")
    return name and f"midfuse: {name}" + (f" on {port}" if port else "")


@pytest.fixture(scope="session")
def _midfuse_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was built so far, for all tests."""
    return tmp_path_factory.mktemp("midfuse")


@pytest.fixture
def midfuse_board(
    request: pytest.FixtureRequest, _midfuse_images: Path
) -> "Iterator[BoardUnderTest]":
    """The board that --midfuse-board names; the test is skipped where none is named."""
    name = request.config.getoption("--midfuse-board")
    if name is None:
        pytest.skip("needs a board: pytest --midfuse-board NAME")
    from firmware_tools.board.registry import read_board
    from firmware_tools.runtimes.interface import find_runtime
    from firmware_tools.testing.board import BoardUnderTest

    option = request.config.getoption

    # pytest's own record_property warns of strict readers of JUnit reports, in every test.
    def record(name: str, value: object) -> None:
        request.node.user_properties.append((name, value))

    with BoardUnderTest(
        read_board(name),
        _midfuse_images,
        record,
        port=option("--midfuse-port"),
        probe=option("--midfuse-probe"),
        runtime=find_runtime(option("--midfuse-runtime")),
    ) as board:
        yield board


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for every accuracy that was asserted; the figures before it are that run's."""
    lines = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            figures: dict[str, Any] = {}
            for name, value in report.user_properties:
                figures[name] = value
                if name == "midfuse_accuracy":
                    lines.append(f"{report.nodeid}: {_summary(figures)}")
    if lines:
        terminalreporter.section("accuracy on the board")
        for line in lines:
            terminalreporter.write_line(line)


def _summary(figures: dict[str, Any]) -> str:
    text = (
        f"{figures['midfuse_accuracy']:.4f} ({figures['midfuse_accuracy_low']:.4f} to"
        f" {figures['midfuse_accuracy_high']:.4f} at 95 %), {figures['midfuse_windows']} windows"
    )
    if "midfuse_differing_bytes" in figures:
        text += f", {figures['midfuse_differing_bytes']} differing bytes"
    if "midfuse_instructions_per_inference" in figures:
        text += f", {figures['midfuse_instructions_per_inference']:,.0f} instructions"
    return text
