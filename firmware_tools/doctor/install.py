"""Debian packages, through apt-get: the line for people, and running it."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable

from midfuse.core.errors import DeviceError

_APT = "apt-get"
_INSTALL = (_APT, "install", "--no-install-recommends")


def apt_line(packages: str) -> str:
    """The line that installs packages; on another system, what they are."""
    if shutil.which(_APT) is None:
        return f"install what Debian calls {packages}, with this system's package manager"
    return shlex.join([*_as_root(), *_INSTALL, *packages.split()])


def install(packages: str, agree: Callable[[str], None]) -> None:
    """Install Debian packages; apt-get talks to the terminal.

    `agree` is shown the lines before they are run, and raises to stop it.

    Raises:
        DeviceError: there is no apt-get, no way to be root, or it failed.
    """
    if shutil.which(_APT) is None:
        raise DeviceError(f"{_APT} is not on this system", apt_line(packages))
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        raise DeviceError("no sudo, and this user is not root", f"as root: {apt_line(packages)}")
    # A fresh system knows no package before the first.
    lines = [[*_as_root(), _APT, "update"], [*_as_root(), *_INSTALL, "--yes", *packages.split()]]
    agree("\n".join(map(shlex.join, lines)))
    for line in lines:
        # Standard output is for the answer.
        if subprocess.run(line, stdout=2, check=False).returncode != 0:
            raise DeviceError(f"{shlex.join(line)} failed", "its own words are above")


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]
