"""The commands of a study: chains of them side by side, each answer kept beside its results.

A step's folder gets `answer.json`, its command and what that answered, and `log.txt`, all it said.
Started again, a study takes the answers that are there and goes on with what is not.
"""

import json
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from midfuse.core.errors import Interrupted
from midfuse.core.files import write_whole
from midfuse.core.progress import SILENT, Progress, Task
from midfuse.core.results import Result
from midfuse.workflows.calls import Background

_POLL_S = 0.05


@dataclass(frozen=True)
class Step:
    """A midfuse command that writes to `folder` and answers with a `kind`; `name` is what the
    progress shows.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    kind: type[Result]

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*self.command, "--out", str(self.folder))


Chain = Sequence[Step]


def run_chains(
    chains: Sequence[Chain], jobs: int, progress: Progress = SILENT
) -> list[list[Result]]:
    """Run the steps of each chain in order, at most `jobs` chains at a time; an answer a step.

    A step whose folder has the answer to the same command is not run again, unless one before it
    in its chain was. A training that was interrupted goes on where it was.

    Raises:
        MidfuseError: a command failed, of the kind that its exit code says; the others are stopped.
        Interrupted: by Ctrl-C; whatever was answered stays.
    """
    answers: list[list[Result]] = [[] for _ in chains]
    with ExitStack() as stack, progress.task("study", sum(map(len, chains))) as task:
        waiting = [
            stack.enter_context(closing(_follow(chain, found, task)))
            for chain, found in zip(chains, answers, strict=True)
        ]
        try:
            while waiting:
                running = [(each, next(each, None)) for each in waiting[:jobs]]
                waiting = [each for each, name in running if name is not None] + waiting[jobs:]
                task.advance(0, ", ".join(name for _, name in running if name is not None))
                if all(name is not None for _, name in running):
                    time.sleep(_POLL_S)
        except KeyboardInterrupt:
            raise Interrupted("interrupted", "the same command goes on") from None
    return answers


def _follow(chain: Chain, answers: list[Result], task: Task) -> Generator[str, None, None]:
    """Go through a chain, adding to `answers`; yields the running step's name at every look."""
    stale = False
    for step in chain:
        answer = None if stale else _kept(step)
        if answer is None:
            stale = True
            arguments = _begin(step)
            with Background(arguments, step.folder / "log.txt") as running:
                while (answer := running.answer(step.kind)) is None:
                    yield step.name
            _keep(step, answer)
        answers.append(answer)
        task.advance()


def _kept(step: Step) -> Result | None:
    """The answer that an earlier start of the study got to the same command."""
    record = _record(step)
    if record is None or record["answer"] is None:
        return None
    try:
        return step.kind.model_validate(record["answer"])
    except ValidationError:
        return None


def _begin(step: Step) -> tuple[str, ...]:
    """Note what is run in the step's folder; the arguments with which it begins or goes on."""
    unfinished = (step.folder / ".unfinished" / "config.json").is_file()
    if step.command[0] == "train" and unfinished and _record(step) is not None:
        return ("train", "--resume", str(step.folder))
    _keep(step, None)
    return step.arguments


def _record(step: Step) -> dict[str, Any] | None:
    """What is noted in the step's folder, if it is of the same command."""
    try:
        record = json.loads((step.folder / "answer.json").read_bytes())
    except (OSError, ValueError):
        return None
    same = isinstance(record, dict) and record.get("command") == list(step.arguments)
    return record if same and "answer" in record else None


def _keep(step: Step, answer: Result | None) -> None:
    record = {"command": step.arguments, "answer": answer and answer.to_json()}
    write_whole(step.folder / "answer.json", json.dumps(record, indent=2) + "\n")
