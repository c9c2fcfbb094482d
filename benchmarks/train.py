"""A step of training beside a bare loop over the same model and batches. `make bench-train`.

The teacher and the student of the default data set. `fit` trains EPOCHS epochs,
draws and all, and validates each on a few windows; the bare loop does as many steps on batches
that were drawn beforehand: forward, loss, backward, clipping, AdamW. They run alternately, REPEATS
times each. Limits: the median of the ratios of their times at most 1.1, and at most 3 % of the
time of `fit` spent waiting for a batch. Exit code 1 where a limit does not hold.
"""

import statistics
import sys
import time
from collections.abc import Callable, Generator, Iterable
from copy import deepcopy
from unittest import mock

import torch
from torch import nn

from trainer.data.datasets import load_dataset
from trainer.data.protocols import USUAL, splits
from trainer.data.windows import Windows, cut, fit_standardiser, of_subjects
from trainer.learn.augment import Drawer, Strength
from trainer.learn.distil import Distil, Distillation, Labels
from trainer.learn.lesson import Data, Lesson
from trainer.models.student import Student
from trainer.models.teacher import Teacher, Teachers
from trainer.run import fit as fitting
from trainer.run.fit import Batch, Schedule, fit, reproducible
from trainer.run.loader import ahead

REPEATS = 15
EPOCHS = 1
MAX_RATIO = 1.1
MAX_WAIT = 0.03


def main() -> int:
    reproducible(0)
    data = _data()
    channels, length, classes = [3, 3], 128, 7
    teacher = Teacher(channels, length, classes, joints=[0, 0])
    lessons = {
        "teacher": Labels(deepcopy(teacher), 0.1),
        "student": Distil(Student(channels, length, classes), Teachers([teacher]), Distillation()),
    }
    held = True
    for name, lesson in lessons.items():
        loader = _Watched()
        with mock.patch.object(fitting, "ahead", loader):
            fit(lesson, data, Schedule(1), name)  # allocators and kernels warm up
            loader.waited, ours, bare = 0.0, [], []
            for _ in range(REPEATS):
                ours.append(_seconds_of_fit(lesson, data))
                bare.append(_seconds_of_a_bare_loop(lesson, loader.batches))
        ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
        wait = loader.waited / sum(ours)
        held &= ratio <= MAX_RATIO and wait <= MAX_WAIT
        steps = len(loader.batches)
        print(
            f"{name}: a step of fit {1e3 * statistics.median(ours) / steps:.1f} ms, bare"
            f" {1e3 * statistics.median(bare) / steps:.1f} ms; ratio {ratio:.3f} (at most"
            f" {MAX_RATIO}), {wait:.1%} of fit waiting for batches (at most {MAX_WAIT:.0%});"
            f" {REPEATS} runs of {steps} steps each",
            flush=True,
        )
    print("both limits hold" if held else "a limit does not hold")
    return 0 if held else 1


def _data() -> Data:
    dataset = load_dataset("seglearn-watch")
    split = splits(dataset, USUAL)[0]
    recordings = of_subjects(dataset, split.train)
    standardise = fit_standardiser(cut(recordings, dataset.window))
    drawer = Drawer(recordings, dataset.modalities, dataset.window, standardise, Strength())
    shown = cut(of_subjects(dataset, split.validation[:1]), dataset.window)
    few = slice(0, 16)
    inputs = standardise({name: x[few] for name, x in shown.inputs.items()})
    return Data(drawer, Windows(inputs, shown.labels[few], shown.subjects[few]), seed=0)


class _Watched:
    """The trainer's loader, which notes how long its batches were waited for, and keeps them."""

    def __init__(self) -> None:
        self.waited = 0.0
        self.batches: list[Batch] = []

    def __call__(
        self, draw: Callable[[int], Batch], steps: Iterable[int]
    ) -> Generator[Batch, None, None]:
        self.batches = []
        batches = ahead(draw, steps)
        while True:
            started = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - started
            if batch is None:
                return
            self.batches.append(batch)
            yield batch


def _seconds_of_fit(lesson: Lesson, data: Data) -> float:
    started = time.perf_counter()
    fit(lesson, data, Schedule(EPOCHS), "bench")
    return time.perf_counter() - started


def _seconds_of_a_bare_loop(lesson: Lesson, batches: list[Batch]) -> float:
    parameters = list(lesson.parameters())
    optimiser = torch.optim.AdamW(parameters, 1e-3, fused=True)
    lesson.train()
    started = time.perf_counter()
    for inputs, labels in batches:
        loss = lesson(inputs, labels)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
