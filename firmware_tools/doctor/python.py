"""Python, and the packages that Midfuse and each of its extras ask for."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

from firmware_tools.doctor.finding import Finding, lacking

_NAME = "midfuse"
# `all` is the others together, and `dev` is for those who change Midfuse itself.
_NOT_SHOWN = ("all", "dev")


def packages(missing: str | None) -> Iterator[Finding]:
    """Python and Midfuse itself, then each extra; for `missing` see `missing_way`."""
    yield Finding("Python", "ready", platform.python_version())
    try:
        extras = metadata(_NAME).get_all("Provides-Extra") or []
        wanted = [Requirement(line) for line in requires(_NAME) or []]
    except PackageNotFoundError:
        yield Finding(_NAME, "optional", "runs from its folder, not installed", "pip install -e .")
        return
    always = [each for each in wanted if _applies(each, "")]
    yield _finding(_NAME, always, needed=True)
    for extra in extras:
        if extra not in _NOT_SHOWN:
            mine = [each for each in wanted if each not in always and _applies(each, extra)]
            yield _finding(
                f"{_NAME}[{extra}]", mine, needed=extra == "flash" and missing == "pyocd"
            )


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _finding(what: str, wanted: list[Requirement], *, needed: bool) -> Finding:
    found, wrong = [], []
    for requirement in wanted:
        try:
            there = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"no {requirement.name}")
            continue
        if requirement.specifier.contains(there, prereleases=True):
            found.append(f"{requirement.name} {there}")
        else:
            wrong.append(f"{requirement.name} {there}, not {requirement.specifier}")
    if not wrong:
        return Finding(what, "ready", ", ".join(found))
    return Finding(what, lacking(needed), ", ".join(wrong), f'pip install "{what}"')
