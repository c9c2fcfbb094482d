"""Fitting: repeatable, resumable to the byte, stopped where the schedule says."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from midfuse.core.errors import CheckFailed, Interrupted
from tests.trainer import paces
from trainer.learn.distil import Labels
from trainer.learn.lesson import Lesson
from trainer.run import folder as run_folder
from trainer.run.fit import History, Schedule, fit, reproducible
from trainer.run.folder import Run
from trainer.run.loader import AHEAD, ahead


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, again, other = paces.train(None), paces.train(None), paces.train(None, seed=1)
    for name in ("teacher", "student", "tuned"):
        assert same(first[0][name], again[0][name])
        assert not same(first[0][name], other[0][name])
    assert first[1] == again[1]


def stop(model: nn.Module, call: int) -> None:
    """Press Ctrl-C when the model is called for this time, to learn or to be validated."""
    calls = itertools.count()

    def press(*_: object) -> None:
        if next(calls) == call:
            raise KeyboardInterrupt

    model.register_forward_pre_hook(press)


def test_a_training_that_stops_anywhere_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "SAVE_EVERY_S", 0.0)
    given, schedule = paces.data(), Schedule(4, batch=16)
    steps = len(given.drawer) // 16

    def train(run: Run | None, call: int = -1) -> tuple[nn.Module, History, int]:
        reproducible(0)
        lesson = Labels(paces.small_teacher(), 0.1)
        stop(lesson.model, call)
        history = fit(lesson, given, schedule, "teacher", run)
        return lesson.model, history, int(torch.randint(1 << 30, ()))

    straight, history, drawn_next = train(None)
    threads = threading.active_count()
    an_epoch = steps + 1  # and a validation
    # Before anything is kept, within an epoch, in the last validation, and twice.
    for calls in ([0], [an_epoch + 3], [4 * an_epoch - 1], [an_epoch, an_epoch + 1]):
        begin = Run.start
        for call in calls:
            with (
                pytest.raises(Interrupted, match=f"with `resume` {tmp_path}"),
                begin(tmp_path, {}) as run,
            ):
                train(run, call)
            begin = Run.resume
        with Run.resume(tmp_path, {}) as run:
            resumed, its_history, its_next = train(run)
        assert same(straight, resumed)
        assert (history, drawn_next) == (its_history, its_next)
        assert threading.active_count() == threads
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


class Scripted(Lesson):
    """Learns nothing; after each epoch it answers as many validation windows as told."""

    model: "Answers"

    def __init__(self, right: list[int], labels: np.ndarray, steps: int) -> None:  # type: ignore[type-arg]
        super().__init__()
        self.model = Answers(right, labels, steps)

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        self.model.steps += 1
        return self.model.weight.sum()


class Answers(nn.Module):
    steps: Tensor

    def __init__(self, right: list[int], labels: np.ndarray, steps: int) -> None:  # type: ignore[type-arg]
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._right, self._labels, self._an_epoch = right, torch.from_numpy(labels), steps

    def forward(self, *inputs: Tensor) -> Tensor:
        epoch = int(self.steps) // self._an_epoch - 1
        wrong = torch.arange(len(self._labels)) >= self._right[epoch]
        return nn.functional.one_hot((self._labels + wrong) % 3, 3).float()


def test_patience_ends_a_stage_and_the_best_epoch_is_kept() -> None:
    given = paces.data()
    assert given.validation is not None
    steps = len(given.drawer) // 16
    # Epoch 3 is as good as epoch 1, and later; then two are worse, and the last is never seen.
    right = [5, 40, 20, 40, 30, 39, 59]
    lesson = Scripted(right, given.validation.labels, steps)
    history = fit(lesson, given, Schedule(7, batch=16, patience=2), "scripted")
    np.testing.assert_allclose(history.accuracy, np.array(right[:6]) / len(given.validation))
    assert history.best == 3
    assert int(lesson.model.steps) == 4 * steps
    assert not lesson.model.training


def test_once_the_rate_is_low_only_such_epochs_are_kept() -> None:
    given = paces.data()
    assert given.validation is not None
    steps = len(given.drawer) // 16
    # Of eight epochs the last two are annealed.
    lesson = Scripted([5, 40, 60, 30, 20, 10, 30, 25], given.validation.labels, steps)
    assert fit(lesson, given, Schedule(8, batch=16), "scripted").best == 6
    assert int(lesson.model.steps) == 7 * steps


def test_without_validation_the_last_epoch_is_kept() -> None:
    given = replace(paces.data(), validation=None)
    steps = len(given.drawer) // 16
    lesson = Scripted([], np.zeros(0, np.int64), steps)
    history = fit(lesson, given, Schedule(4, batch=16, patience=1), "scripted")
    assert (len(history.loss), history.best, history.accuracy) == (4, 3, [])
    assert list(history.latest()) == ["loss"]
    assert int(lesson.model.steps) == 4 * steps


class Diverging(Lesson):
    def __init__(self) -> None:
        super().__init__()
        self.model = paces.small_student()

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        return self.model(*inputs).sum() * float("inf")


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    with pytest.raises(
        CheckFailed, match=r"training the student: the loss is .* in epoch 1; lower"
    ):
        fit(Diverging(), paces.data(), Schedule(3), "student")


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    schedule = Schedule(1, rate=2e-3)
    rates = [schedule.rate_at(step, 200) for step in range(200)]
    assert np.argmax(rates) in range(17, 22)
    assert np.all(np.diff(rates[:19]) > 0)
    assert np.all(np.diff(rates[21:]) < 0)
    assert 1.8e-3 < max(rates) < 2e-3
    assert 0 < rates[-1] < 1e-6


def test_batches_come_in_order_and_only_so_many_ahead() -> None:
    drawn: list[int] = []

    def draw(step: int) -> int:
        drawn.append(step)
        return 10 * step

    batches = ahead(draw, range(3, 40))
    for at in range(3, 30):
        assert next(batches) == 10 * at
        assert len(drawn) <= at - 3 + 1 + AHEAD
    batches.close()
    assert drawn == list(range(3, 3 + len(drawn)))
    assert list(ahead(draw, range(2))) == [0, 10]


def test_what_goes_wrong_in_a_draw_comes_out_as_it_is() -> None:
    threads = threading.active_count()

    def draw(step: int) -> float:
        return 1 / (2 - step)

    batches = ahead(draw, range(9))
    assert [next(batches), next(batches)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(batches)
    assert threading.active_count() == threads
