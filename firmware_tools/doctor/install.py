"""Running apt-get."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable

from firmware_tools.board.packages import APT, INSTALL, apt_line, as_root
from midfuse.core.errors import DeviceError


def install(packages: str, agree: Callable[[str], None]) -> None:
    """Install Debian packages; apt-get talks to the terminal.

    `agree` is shown the lines before they are run, and raises to stop it.

    Raises:
        DeviceError: there is no apt-get, no way to be root, or it failed.
    """
    if shutil.which(APT) is None:
        raise DeviceError(f"{APT} is not on this system", apt_line(packages))
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        raise DeviceError("no sudo, and this user is not root", f"as root: {apt_line(packages)}")
    # A fresh system knows no package before the first.
    lines = [[*as_root(), APT, "update"], [*as_root(), *INSTALL, "--yes", *packages.split()]]
    agree("\n".join(map(shlex.join, lines)))
    for line in lines:
        # Standard output is for the answer.
        if subprocess.run(line, stdout=2, check=False).returncode != 0:
            raise DeviceError(f"{shlex.join(line)} failed", "its own words are above")
