"""The run folder: killed and resumed to the byte, and refused where that could not be."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from midfuse.core.errors import DeviceError, InputError
from tests.trainer import paces
from trainer.run.checkpoint import save_weights
from trainer.run.folder import Run, fingerprint


def process(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "tests.trainer.paces", str(folder), *arguments]

    def hear_ctrl_c() -> None:
        """What starts in the background of a shell has inherited deaf ears."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(line, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)


def stop(training: subprocess.Popen[str], state: Path, number: int) -> tuple[int, str]:
    """Send a signal as soon as a stage has kept something."""
    while not state.exists():
        assert training.poll() is None
        time.sleep(0.005)
    training.send_signal(number)
    _, errors = training.communicate()
    return training.returncode, errors


def test_a_run_killed_twice_ends_with_the_bytes_of_one_that_ran_through(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    state = folder / ".unfinished"
    code, _ = stop(process(folder), state / "teacher.state", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not (folder / "config.json").exists()

    code, errors = stop(process(folder, "resume"), state / "student.state", signal.SIGINT)
    assert code == 130
    assert errors == f"error: interrupted; train again with `resume` {folder} to go on\n"
    # Ctrl-C leaves nothing half-written.
    assert sorted(path.name for path in state.iterdir()) == [
        "config.json",
        "student.state",
        "teacher.state",
    ]

    ended = process(folder, "resume")
    assert (ended.communicate()[1], ended.returncode) == ("", 0)
    models, _ = paces.train(None)
    for name, model in models.items():
        save_weights(model, tmp_path / "straight")
        resumed = folder / f"{name}-0.safetensors"
        assert resumed.read_bytes() == (tmp_path / "straight").read_bytes(), name
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "student-0.safetensors",
        "teacher-0.safetensors",
        "tuned-0.safetensors",
    ]


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    done = subprocess.run(
        [*line, "-m", "tests.trainer.paces", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name in ("teacher", "student", "tuned"):
        first = (tmp_path / f"{name}-0.safetensors").read_bytes()
        assert first == (tmp_path / f"{name}-1.safetensors").read_bytes()
    assert json.loads((tmp_path / "config.json").read_text())["machine"]["processes"] == 2


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A run that kept a stage and was interrupted."""
    run = Run.start(tmp_path, {"seed": 3, "recipe": {"rate": 0.1}})
    run.save("teacher", {"weights": torch.arange(1000.0)}, now=True)
    return tmp_path


SAME = {"seed": 3, "recipe": {"rate": 0.1}}


def test_a_stage_is_read_as_it_was_kept(unfinished: Path) -> None:
    run = Run.resume(unfinished, SAME)
    kept = run.load("teacher")
    assert kept is not None
    assert torch.equal(kept["weights"], torch.arange(1000.0))
    assert run.load("student") is None
    assert run.part("split-1").load("teacher") is None


def test_any_damage_to_a_state_is_seen(unfinished: Path) -> None:
    path = unfinished / ".unfinished" / "teacher.state"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    flipped = []
    for at in rng.integers(0, len(whole), 20):
        flipped.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for damaged in [b"", whole[:31], whole[:-1], whole + b"\0", *flipped]:
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"teacher.state: damaged, .*; delete it, and"):
            Run.resume(unfinished, SAME).load("teacher")


def test_a_state_of_another_run_is_refused(
    unfinished: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    run = Run.start(other, SAME | {"seed": 4})
    state = (unfinished / ".unfinished" / "teacher.state").read_bytes()
    (other / ".unfinished" / "teacher.state").write_bytes(state)
    with pytest.raises(InputError, match="of another configuration"):
        run.load("teacher")


@pytest.mark.parametrize(
    ("now", "named"),
    [
        (SAME | {"seed": 4}, "seed was 3 when the run began and is 4 now"),
        (SAME | {"recipe": {"rate": 0.2}}, "recipe.rate was 0.1 "),
        (SAME | {"recipe": {}}, "recipe.rate was 0.1 when the run began and is null"),
        (SAME | {"student": "s"}, 'student was null when the run began and is "s"'),
    ],
)
def test_a_run_is_resumed_as_it_began_or_not_at_all(
    unfinished: Path, now: dict[str, object], named: str
) -> None:
    with pytest.raises(InputError) as refusal:
        Run.resume(unfinished, now)
    assert named in str(refusal.value)
    assert str(refusal.value).endswith("; train again without `resume`")


def test_other_versions_are_refused(unfinished: Path) -> None:
    path = unfinished / ".unfinished" / "config.json"
    config = json.loads(path.read_text())
    config["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match=r'versions.torch was "1.0" when the run began'):
        Run.resume(unfinished, SAME)


def test_only_an_unfinished_run_is_resumed(unfinished: Path, tmp_path: Path) -> None:
    with Run.resume(unfinished, SAME):
        pass
    with pytest.raises(InputError, match=f"`resume` {unfinished}: no unfinished run there"):
        Run.resume(unfinished, SAME)
    (unfinished / ".unfinished").mkdir()
    (unfinished / ".unfinished" / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config.json: not JSON"):
        Run.resume(unfinished, SAME)


def test_a_new_run_forgets_the_old_one(unfinished: Path) -> None:
    assert Run.start(unfinished, SAME).load("teacher") is None


def test_the_fingerprint_sees_every_change() -> None:
    found = paces.data_set()
    first, *rest = found.recordings
    moved = first.signals["acc"].copy()
    moved[100, 1] = np.nextafter(moved[100, 1], np.float32(9))
    slipped = first.labels.copy()
    slipped[100] = 2
    changed = [
        replace(found, recordings=[replace(first, labels=slipped), *rest]),
        replace(found, recordings=[replace(first, subject="7"), *rest]),
        replace(found, recordings=[replace(first, signals=first.signals | {"acc": moved}), *rest]),
        replace(found, recordings=[*rest, first]),
        replace(found, labels=["slow", "fast", "brisk"]),
        found.only(["acc"]),
    ]
    prints = [fingerprint(each) for each in [found, *changed]]
    assert len(set(prints)) == len(prints)
    assert fingerprint(paces.data_set()) == prints[0]


def test_tensorboard_reads_every_epoch_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    values = {"loss": [0.5, 0.25, 0.125], "accuracy": [0.25, 0.5, 0.75]}

    def log(run: Run, epochs: range) -> None:
        for epoch in epochs:
            run.part("split-0").log("teacher", epoch, {n: of[epoch] for n, of in values.items()})

    log(Run.start(tmp_path, {}, tensorboard=True), range(1))
    # Killed, and begun anew in the same folder; killed after an epoch that was logged and not kept.
    log(Run.start(tmp_path, {}, tensorboard=True), range(2))
    with Run.resume(tmp_path, {}, tensorboard=True) as run:
        log(run, range(1, 3))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path / "tensorboard" / "split-0" / "teacher"))
    found.Reload()
    for name, of in values.items():
        assert [(e.step, e.value) for e in found.Scalars(name)] == list(enumerate(of))


def test_without_tensorboard_it_says_so_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(DeviceError, match="TensorBoard is not installed; pip install tensorboard"):
        Run.start(tmp_path / "run", {}, tensorboard=True)
    assert not (tmp_path / "run").exists()
