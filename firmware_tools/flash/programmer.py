"""What every tool that writes a real board's flash has in common."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from firmware_tools.flash.payload import Payload
from midfuse.core.errors import CheckFailed, DeviceError, InputError, Interrupted
from midfuse.core.progress import Progress


@dataclass(frozen=True)
class Capabilities:
    """What a back end can do by itself.

    `erase` what it writes over; `verify` what was written, by reading back or by checksum;
    `identify` the chip before anything is written; `reset` the chip into its new firmware. `probe`
    is what `probe` names for it.
    """

    erase: bool
    verify: bool
    identify: bool
    reset: bool
    probe: str


class Programmer(Protocol):
    """A tool that writes flash; made of a board and one entry of its `[[flash]]`."""

    name: str
    capabilities: Capabilities

    def require(self) -> None:
        """Raise a DeviceError unless the tool is installed."""

    def plan(self, payload: Payload, probe: str | None) -> list[str]:
        """What `write` would run, a line each, for a dry run to show. Touches nothing."""

    def find(self, probe: str | None) -> str:
        """The one probe or drive to use.

        Raises:
            DeviceError: none is there, or not the one named, or several and none is named.
        """

    def write(self, payload: Payload, probe: str, progress: Progress) -> None:
        """Check the chip, erase, write, verify and reset, as far as `capabilities` says.

        Raises:
            DeviceError: another chip, no answer, or the tool failed.
            CheckFailed: what is in the flash is not what was written.
            Interrupted: Ctrl-C; what is in the flash is of no use.
        """


def choose(found: Sequence[str], wanted: str | None, kind: str, board: str, remedy: str) -> str:
    """The one of `found` that is meant; see `Programmer.find`. A remedy for when there is none."""
    listed = ", ".join(sorted(found))
    if wanted is not None:
        if wanted in found:
            return wanted
        there = f"there is {listed}" if found else "there is none"
        raise DeviceError(f"`probe` {wanted}: no such {kind}; {there}", remedy)
    if not found:
        raise DeviceError(f"no {kind} for {board} found", remedy)
    if len(found) > 1:
        raise DeviceError(
            f"{len(found)} {kind}s for {board} found: {listed}; nothing was written",
            "choose one as `probe`",
        )
    return found[0]


def check_endpoint(probe: str | None, example: str) -> str:
    """The probe, where it cannot be left out."""
    if probe is None:
        raise InputError("`probe` is missing", f"name the board's endpoint, such as {example}")
    return probe


@contextmanager
def half_written(board: str) -> Iterator[None]:
    """Around the writing itself: whatever ends it early leaves a board without firmware."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"{board}: stopped while its flash was written, so it holds no whole image",
            "run the command again",
        ) from None
    except DeviceError as error:
        raise DeviceError(
            f"{board}: interrupted while its flash was written, so it holds no whole image"
            f" ({error.problem})",
            "check the cable and run the command again",
        ) from None


def verify_failed(board: str, words: str) -> CheckFailed:
    """The error for flash that does not hold what was written to it, in the tool's words."""
    return CheckFailed(
        f"{board}: verify failed: {words}",
        "run the command again; if it stays so, the flash is worn, protected or not powered well",
    )


def no_reset(board: str, error: DeviceError) -> DeviceError:
    """The error for a board that holds the image but does not start it."""
    return DeviceError(
        f"{board}: written and verified, but cannot be reset ({error.problem})",
        "press its reset button, or unplug it and plug it in again",
    )
