"""Calling midfuse's own commands, each in a process of its own, as a user would type it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from midfuse.core.children import die_with
from midfuse.core.errors import CheckFailed, DeviceError, InputError, MidfuseError
from midfuse.core.results import BoardResult, Result

AnyResult = TypeVar("AnyResult", bound=Result)

_KINDS: dict[int, type[MidfuseError]] = {1: CheckFailed, 3: DeviceError}
_STOP_S = 20.0


def call(kind: type[AnyResult], *arguments: str) -> AnyResult:
    """Run a command; its progress and its error line go to the terminal, its answer comes back.

    Raises:
        MidfuseError: of the kind that the command's exit code says. Exit code 1 of a command that
            still answered (differing bytes, a missed limit) is left to the caller.
    """
    done = subprocess.run(_line(arguments), stdout=subprocess.PIPE, text=True, check=False)
    if not _answered(done.returncode, done.stdout):
        error = _KINDS.get(done.returncode, InputError)
        problem = f"midfuse {arguments[0]} failed (exit {done.returncode})"
        raise error(problem, "its line is above")
    return kind.model_validate_json(done.stdout)


def require_board(board: str) -> BoardResult:
    """What `midfuse boards` says of a board that is ready: asked at once, not after the training.

    Raises:
        DeviceError: this machine lacks what the board takes.
        InputError: no such board.
    """
    answer = call(BoardResult, "boards", board)
    for lack in answer.missing:
        raise DeviceError(f"{board}: {lack}")
    return answer


def same_bytes(differing: int, board: str, what: str = "") -> CheckFailed | None:
    """The failure of a board some of whose output bytes differ from TFLM's; None if none do."""
    if not differing:
        return None
    return CheckFailed(
        f"{what}{differing} output bytes on {board} differ from TFLM's",
        "evaluate it with `per_op` to see the first op that differs",
    )


class Background:
    """A command that runs while others do: what it says goes to the file `log`.

    It is stopped by leaving the `with` block, as by Ctrl-C, and when this process dies.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._name, self._log = arguments[0], log
        # A file and not a pipe: nobody reads a pipe until the end, and it may fill up.
        self._stdout = tempfile.TemporaryFile("w+")  # noqa: SIM115
        with log.open("w", encoding="utf-8") as said:
            self._process = subprocess.Popen(
                _line(arguments),
                stdin=subprocess.DEVNULL,
                stdout=self._stdout,
                stderr=said,
                # Ctrl-C is for us; we stop the command and what it has started.
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )

    def answer(self, kind: type[AnyResult]) -> AnyResult | None:
        """What the command answered, None while it runs.

        Raises:
            MidfuseError: of the kind that its exit code says, with its own error line.
        """
        code = self._process.poll()
        if code is None:
            return None
        self._stdout.seek(0)
        printed = self._stdout.read()
        if _answered(code, printed):
            return kind.model_validate_json(printed)
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        words = [line for line in lines if line.strip()]
        said = words[-1] if words else f"it ended with exit code {code} and said nothing"
        said = said.removeprefix("error: ").removeprefix("Error: ")
        error = _KINDS.get(code, InputError)
        raise error(f"midfuse {self._name}: {said}", f"all it said is in {self._log}")

    def __enter__(self) -> "Background":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stdout:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGINT)
                try:
                    self._process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._process.wait()


def _line(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "midfuse", *arguments, "--json"]


def _answered(code: int, printed: str) -> bool:
    return code == 0 or (code == 1 and printed.startswith("{"))
