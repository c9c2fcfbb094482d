"""The errors a user sees: one line that says what is wrong, where, and what to do.

The class decides the exit code of a command: 0 done, 1 a check did not hold, 2 wrong use or
input, 3 a board or a tool is missing or does not answer. Ctrl-C is 130, as shells have it.
"""

_LONGEST = 800


class MidfuseError(Exception):
    """Base of all errors that are shown as one line, without a traceback.

    `problem` names the file, the field and what is wrong with it; `remedy` says what to do. Either
    names a parameter of the call in backticks, `so`; a command shows it as its own option.
    `details` are the words of the tool that failed, which a command shows for debugging.
    """

    exit_code = 2

    def __init__(self, problem: str, remedy: str = "", *, details: str = "") -> None:
        self.problem = _one_line(problem)
        self.remedy = remedy
        self.details = details
        super().__init__(f"{self.problem}; {remedy}" if remedy else self.problem)

    def __reduce__(self) -> tuple[object, ...]:
        """Everything goes along to another process."""
        return _again, (type(self), self.problem, self.remedy, self.details)


def _again(kind: type[MidfuseError], problem: str, remedy: str, details: str) -> MidfuseError:
    return kind(problem, remedy, details=details)


def _one_line(text: str) -> str:
    """Names in untrusted files, and other programs' words, may hold anything."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"


class CheckFailed(MidfuseError):
    """A measured figure did not meet its limit: accuracy, differing bytes, an op's error."""

    exit_code = 1


class InputError(MidfuseError):
    """A file, a parameter or a field that cannot be used."""

    exit_code = 2


class DeviceError(MidfuseError):
    """A board or a program is missing, or does not answer."""

    exit_code = 3


class Interrupted(MidfuseError):
    """Stopped by Ctrl-C; `remedy` says how to go on."""

    exit_code = 130
