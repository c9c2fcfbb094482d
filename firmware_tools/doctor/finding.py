"""One thing that Midfuse uses, as it is on this machine."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ready", "missing", "optional"]


@dataclass(frozen=True)
class Finding:
    """`what` it is, its `state`, and what was `found`: a version, a port, or what is wrong.

    A state is "missing" where the board that was asked for needs it, "optional" where nothing but
    other boards or other commands do. `remedy` is then the line that mends it, and `packages` are
    the Debian packages that it installs, where it installs some.
    """

    what: str
    state: State
    found: str
    remedy: str = ""
    packages: str = ""


def lacking(needed: bool) -> State:
    """The state of what is not there."""
    return "missing" if needed else "optional"
