"""Debian packages that bring a tool: the line that installs them."""

import os
import shlex
import shutil

APT = "apt-get"
# Without what a package merely recommends: a C++ library of 1.6 GB, which C firmware never calls.
INSTALL = (APT, "-o", "APT::Install-Recommends=0", "install")


def apt_line(packages: str) -> str:
    """The line that installs packages; on another system, what they are."""
    if shutil.which(APT) is None:
        return f"install what Debian calls {packages}, with this system's package manager"
    return shlex.join([*as_root(), *INSTALL, *packages.split()])


def as_root() -> list[str]:
    """What a command of root's begins with."""
    return [] if os.geteuid() == 0 else ["sudo"]
