"""pyOCD, as a library: any CMSIS-DAP probe, ST-Link, J-Link or pico probe."""

import logging
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import PyOcdEntry
from firmware_tools.flash.chip import check_chip
from firmware_tools.flash.payload import Payload
from firmware_tools.flash.programmer import (
    Capabilities,
    choose,
    half_written,
    no_reset,
    verify_failed,
)
from midfuse.core.errors import DeviceError
from midfuse.core.progress import SILENT, Progress

# A fraction of the whole, as pyOCD tells it, in parts of the bar.
_PARTS = 100


class PyOcd:
    """Writes through pyOCD's flash loader and reads all of it back."""

    name = "pyocd"
    capabilities = Capabilities(
        erase=True, verify=True, identify=True, reset=True, probe="the probe's serial number"
    )

    def __init__(self, board: Board, entry: PyOcdEntry) -> None:
        self._board = board
        self._entry = entry

    def require(self) -> None:
        """See `Programmer`."""
        if find_spec("pyocd") is None:
            raise DeviceError(
                f"pyocd, which flashes {self._board.name}, is not installed",
                'pip install "midfuse[flash]"',
            )

    def find(self, probe: str | None) -> str:
        """See `Programmer`."""
        there = [each.unique_id for each in probes(probe)]
        return choose(
            there,
            probe,
            "debug probe",
            self._board.name,
            "connect it; `midfuse doctor` says whether this user may open it",
        )

    def plan(self, payload: Payload, probe: str | None) -> list[str]:
        """See `Programmer`."""
        end = payload.start + len(payload.data)
        return [
            f"pyocd.core.session.Session(probe {probe or 'PROBE'},"
            f" target_override={self._entry.target!r})",
            "check the chip's id",
            f"pyocd.flash.file_programmer.FileProgrammer: program {len(payload.data)} bytes of"
            f" {payload.elf} at {payload.start:#010x}",
            f"read {payload.start:#010x} to {end:#010x} back and compare",
            "reset",
        ]

    def write(self, payload: Payload, probe: str, progress: Progress = SILENT) -> None:
        """See `Programmer`."""
        from pyocd.flash.file_programmer import FileProgrammer

        with self._session(probe) as session, progress.task("write flash", _PARTS) as task:
            target = session.target
            with _errors():
                target.halt()
            check_chip(self._board, lambda address: _read_word(target, address))
            reached = 0

            def advance(fraction: float) -> None:
                nonlocal reached
                task.advance(int(fraction * _PARTS) - reached)
                reached = int(fraction * _PARTS)

            with half_written(self._board.name), _errors():
                FileProgrammer(session, progress=advance).program(
                    BytesIO(payload.data), file_format="bin", base_address=payload.start
                )
                found = bytes(target.read_memory_block8(payload.start, len(payload.data)))
            if found != payload.data:
                pairs = enumerate(zip(found, payload.data, strict=True))
                at = payload.start + next(i for i, (a, b) in pairs if a != b)
                raise verify_failed(self._board.name, f"{at:#010x} is not what was written")
            try:
                with _errors():
                    target.reset()
            except DeviceError as error:
                raise no_reset(self._board.name, error) from None

    @contextmanager
    def _session(self, probe: str) -> Iterator[Any]:
        """An open session with the one probe."""
        from pyocd.core.exceptions import Error, TargetSupportError
        from pyocd.core.session import Session

        found = next((each for each in probes(probe) if each.unique_id == probe), None)
        if found is None:
            raise DeviceError(f"{probe}: the debug probe is gone", "connect it again")
        # The board's folder may have a pyocd.yaml or a script of pyOCD's; the user's own are not
        # for every board.
        options = {"target_override": self._entry.target, "project_dir": str(self._board.folder)}
        try:
            with chdir("."):  # it changes to the folder and stays there
                session = Session(found, auto_open=False, options=options)
        except TargetSupportError as error:
            raise DeviceError(
                f"pyocd does not know the chip {self._entry.target} of {self._board.name}"
                f" ({error})",
                f"pyocd pack install {self._entry.target}",
            ) from None
        try:
            session.open()
        except (Error, OSError) as error:
            session.close()
            raise DeviceError(
                f"{probe}: no board answers there ({error})",
                "check the cable between probe and board, and the board's power",
            ) from None
        try:
            yield session
        finally:
            with _errors():
                session.close()


def probes(probe: str | None = None) -> list[Any]:
    """The debug probes that pyOCD can open, or the one of this serial number.

    Raises:
        DeviceError: pyOCD cannot look.
    """
    from pyocd.core.helpers import ConnectHelper

    # It says on the log what its errors say again.
    logging.getLogger("pyocd").setLevel(logging.CRITICAL)
    with _errors():
        return list(
            ConnectHelper.get_all_connected_probes(
                blocking=False, unique_id=probe, print_wait_message=False
            )
        )


def _read_word(target: Any, address: int) -> int:
    with _errors():
        return int(target.read32(address))


@contextmanager
def _errors() -> Iterator[None]:
    """pyOCD's errors as ours."""
    from pyocd.core.exceptions import Error

    try:
        yield
    except (Error, OSError, ValueError) as error:
        raise DeviceError(f"pyocd: {error}") from None
