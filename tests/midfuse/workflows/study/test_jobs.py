"""Chains of real commands: side by side, stopped and started again, and failing."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from midfuse.core.errors import InputError
from midfuse.core.progress import Task
from midfuse.core.results import SourceFolder, TrainResult
from midfuse.workflows.study.jobs import Step, run_chains
from tests.support.paths import DATA
from tests.trainer.conftest import own_recordings, write_folder

MODEL = DATA / "cnn_har_int8.tflite"

# What a study does, as a program: each argument is a chain, a JSON list of steps.
STUDY = """
import json, sys
from pathlib import Path
from midfuse.cli.console import fail
from midfuse.core.errors import MidfuseError
from midfuse.core.results import SourceFolder, TrainResult
from midfuse.workflows.study.jobs import Step, run_chains
kinds = {each.__name__: each for each in (SourceFolder, TrainResult)}
chains = [
    [Step(n, tuple(c), Path(f), kinds[k]) for n, c, f, k in json.loads(a)] for a in sys.argv[2:]
]
try:
    answers = run_chains(chains, int(sys.argv[1]))
    print(json.dumps([[each.to_json() for each in found] for found in answers]))
except MidfuseError as error:
    sys.exit(fail(error))
"""


def build(folder: Path, model: Path = MODEL) -> Step:
    command = ("build", str(model), "--source-only")
    return Step(f"build {folder.name}", command, folder, SourceFolder)


def written(step: Step) -> int:
    return (step.folder / "answer.json").stat().st_mtime_ns


class Notes:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.done, self.total, self.notes = 0, 0, set[str]()

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Task]:
        self.total = total or 0
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        self.notes.add(note)


def test_chains_run_side_by_side_and_are_answered_once(tmp_path: Path) -> None:
    chains = [[build(tmp_path / name / "a"), build(tmp_path / name / "b")] for name in "xy"]
    told = Notes()
    answers = run_chains(chains, 2, told)
    assert (told.done, told.total) == (4, 4)
    assert "build a, build a" in told.notes
    for chain, found in zip(chains, answers, strict=True):
        for step, answer in zip(chain, found, strict=True):
            assert isinstance(answer, SourceFolder)
            assert all(file.is_relative_to(step.folder) for file in answer.files)
    before = [written(step) for chain in chains for step in chain]
    again = Notes()
    assert run_chains(chains, 2, again) == answers
    assert again.notes == {""}
    assert [written(step) for chain in chains for step in chain] == before


def test_an_answer_of_another_form_is_asked_for_again(tmp_path: Path) -> None:
    """As one of an earlier version, or one that somebody has edited."""
    step = build(tmp_path)
    ((answer,),) = run_chains([[step]], 1)
    path = tmp_path / "answer.json"
    record = json.loads(path.read_text())
    del record["answer"]["symbol"]
    path.write_text(json.dumps(record))
    assert run_chains([[step]], 1) == [[answer]]


def test_another_command_runs_again_with_all_that_follow(tmp_path: Path) -> None:
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    run_chains([[first, second]], 1)
    before = written(second)
    other = replace(first, command=(*first.command, "--board", "native"))
    run_chains([[other, second]], 1)
    assert written(second) > before


def test_a_failing_command_is_one_line_and_stops_the_others(tmp_path: Path) -> None:
    broken = build(tmp_path / "no", tmp_path / "no.tflite")
    long = [build(tmp_path / str(at)) for at in range(10)]
    with pytest.raises(InputError) as caught:
        run_chains([[broken], long], 2)
    log = broken.folder / "log.txt"
    assert str(caught.value).startswith(f"midfuse build: {tmp_path}/no.tflite: cannot be read")
    assert str(caught.value).endswith(f"all it said is in {log}")
    assert not long[-1].folder.exists()


@contextmanager
def study(*chains: list[Step]) -> Iterator[subprocess.Popen[str]]:
    """A study in a process of its own, which does not outlive the block."""
    listed = [
        json.dumps([[s.name, s.command, str(s.folder), s.kind.__name__] for s in chain])
        for chain in chains
    ]
    line = [sys.executable, "-c", STUDY, "2", *listed]

    def hear_ctrl_c() -> None:
        """What starts in the background of a shell has inherited deaf ears."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(path: Path, running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not path.exists():
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_study_goes_on_with_what_was_not_answered(
    tmp_path: Path, end: signal.Signals
) -> None:
    chain = [build(tmp_path / str(at)) for at in range(4)]
    with study(chain) as running:
        wait_for(chain[2].folder / "answer.json", running)
        before = [written(step) for step in chain[:2]]
        running.send_signal(end)
        _, errors = running.communicate()
    if end == signal.SIGINT:
        assert running.returncode == 130
        assert errors == "error: interrupted; the same command goes on\n"
    assert json.loads((chain[2].folder / "answer.json").read_text())["answer"] is None
    # The command that ran ends with the study.
    deadline = time.monotonic() + 5
    while runs(str(chain[2].folder)):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    with study(chain) as again:
        printed, errors = again.communicate()
    assert not errors
    assert [len(found) for found in json.loads(printed)] == [4]
    assert [written(step) for step in chain[:2]] == before
    assert (chain[3].folder / "mf_model_cnn_har_int8.c").is_file()


def test_an_interrupted_training_is_resumed(tmp_path: Path) -> None:
    recordings = write_folder(own_recordings(), tmp_path / "own")
    command = ("train", "--dataset", "folder", "--data", str(recordings))
    training = Step("train", command, tmp_path / "train", TrainResult)
    begun = training.folder / ".unfinished" / "config.json"
    with study([training]) as running:
        wait_for(begun, running)
        running.send_signal(signal.SIGINT)
        running.communicate()
    # What only --resume reads.
    begun.write_text("{")
    with study([training]) as again:
        _, errors = again.communicate()
    assert errors.startswith(f"error: midfuse train: {begun}: not JSON")


def runs(word: str) -> bool:
    """Whether a process has this word in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in path.read_bytes():
                return True
    return False
