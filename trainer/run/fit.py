"""Fitting a model to what a lesson says: epochs of drawn batches, validated after each.

Every random number is a function of seed, stage, epoch and batch, never of what was drawn before
it. So a stage goes on after any epoch as if it had never stopped, without a generator's state.
"""

import math
import os
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from midfuse.core.errors import CheckFailed, InputError
from midfuse.core.progress import SILENT, Progress
from midfuse.core.scores import classes
from trainer.data.windows import Windows
from trainer.learn.lesson import Data, Lesson
from trainer.run import ranks
from trainer.run.figures import score
from trainer.run.folder import Run
from trainer.run.loader import ahead

Batch = tuple[tuple[Tensor, ...], Tensor]


@dataclass(frozen=True)
class Schedule:
    """AdamW over one cycle: warm-up over a tenth of the steps, then a cosine to zero.

    Without validation windows the last epoch's weights are kept. With them the best epoch's, of the
    last quarter of the epochs if the stage came so far; and after `patience` epochs without one as
    good as the best the stage ends early.
    """

    epochs: int
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.05
    patience: int = 1000

    @property
    def annealed(self) -> int:
        """The first epoch, from 0, of the last quarter, in which the rate is low."""
        return self.epochs - max(1, self.epochs // 4)

    def rate_at(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        part = (step + 0.5) / steps
        return self.rate * min(1.0, 10 * part) * 0.5 * (1 + math.cos(math.pi * part))


@dataclass
class History:
    """One entry an epoch: the training loss, and figures of the validation windows if there are.

    From the epoch `annealed` on, only later ones are candidates for the best.
    """

    annealed: int
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    macro_f1: list[float] = field(default_factory=list)
    cross_entropy: list[float] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The epoch, from 0, of the highest validation macro-F1; the last of equal ones, or of all.

        Macro-F1, because a rare class counts as much as a frequent one. Only annealed epochs, if
        there are any: a high peak at a high rate is luck with a few validation subjects. (Watch,
        five folds, one validation subject choosing and the other one judging: the best of the last
        quarter was right 1.4 points more often than the best of all for a student, 0.6 for a
        teacher.)
        """
        last = len(self.loss) - 1
        if not self.macro_f1:
            return last
        first = self.annealed if last >= self.annealed else 0
        return max(range(first, last + 1), key=lambda epoch: (self.macro_f1[epoch], epoch))

    def latest(self) -> dict[str, float]:
        """The figures of the last epoch by name."""
        return {
            name: figures[-1]
            for name, figures in asdict(self).items()
            if isinstance(figures, list) and figures
        }

    def ended(self, schedule: Schedule) -> bool:
        """Whether the schedule is through, or patience is."""
        done = len(self.loss)
        return done >= schedule.epochs or (done > 0 and done - 1 - self.best >= schedule.patience)


def reproducible(seed: int) -> None:
    """Same seed, same machine, same weights: seeded torch, one thread, deterministic kernels.

    One thread, because these models are small: a second one gains little on an idle machine and
    loses much on a busy one. A GPU's kernels are deterministic as far as torch has such.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    # Only for finding reads of memory that nobody wrote; it costs a step 3 %.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def fit(
    lesson: Lesson,
    data: Data,
    schedule: Schedule,
    stage: str,
    run: Run | None = None,
    progress: Progress = SILENT,
) -> History:
    """Train `lesson.model` in place and leave it in evaluation mode with its best weights.

    With a `run` the stage is kept there, and goes on where the run was interrupted; a stage that
    was through is only read. The lesson stays on the device that it learnt on.

    Raises:
        InputError: fewer training windows than processes, or the run's state is damaged.
        CheckFailed: the loss is no longer finite.
    """
    lesson.to(ranks.device())
    parameters = [p for p in lesson.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, schedule.rate, weight_decay=schedule.decay, fused=True
    )
    draws = _Draws(data, schedule.batch, stage)
    history, best = History(schedule.annealed), _copy(lesson.model)
    state = run.load(stage) if run else None
    if state is not None:
        lesson.load_state_dict(state["lesson"])
        optimiser.load_state_dict(state["optimiser"])
        history, best = History(**state["history"]), state["best"]
    learner = _Learner(lesson, parameters, optimiser, schedule, draws.batches)
    first, steps = len(history.loss) * draws.batches, schedule.epochs * draws.batches
    with (
        closing(ahead(draws.batch, range(first, steps))) as batches,
        (progress if ranks.rank() == 0 else SILENT).task(stage, schedule.epochs) as task,
    ):
        task.advance(len(history.loss))
        while not history.ended(schedule):
            epoch = len(history.loss)
            torch.manual_seed(draws.torch_seed(epoch))
            mean = learner.epoch(epoch, batches)
            if not math.isfinite(mean):
                raise CheckFailed(
                    f"training the {stage}: the loss is {mean} in epoch {epoch + 1}",
                    "lower the learning rate, or look for extreme values in the recordings",
                )
            history.loss.append(ranks.from_first(partial(float, mean)))
            if data.validation is not None:
                _validate(lesson.model, data.validation, history)
            if history.best == epoch:
                best = _copy(lesson.model)
            if run:
                ended = history.ended(schedule)
                run.log(stage, epoch, history.latest())
                run.save(
                    stage,
                    {
                        "lesson": lesson.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "best": best,
                        "history": asdict(history),
                    },
                    now=ended,
                )
            valid = f", valid {history.accuracy[-1]:.1%}" if history.accuracy else ""
            task.advance(note=f"loss {mean:.3f}{valid}")
    lesson.model.load_state_dict(best)
    lesson.eval()
    # What is drawn next, such as another model's weights, is the same if it was resumed.
    torch.manual_seed(draws.torch_seed(schedule.epochs))
    return history


def predict(
    model: nn.Module, inputs: dict[str, npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Logits (N, classes) of standardised windows."""
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad():
        windows = (torch.split(torch.from_numpy(x), 256) for x in inputs.values())
        parts = [model(*_on(device, part)) for part in zip(*windows, strict=True)]
    return torch.cat(parts).float().cpu().numpy()


class _Learner:
    """The optimiser's steps: an epoch of `batches` batches at the schedule's rates."""

    def __init__(
        self,
        lesson: Lesson,
        parameters: list[nn.Parameter],
        optimiser: torch.optim.Optimizer,
        schedule: Schedule,
        batches: int,
    ) -> None:
        self._lesson = lesson
        self._parameters = parameters
        self._optimiser = optimiser
        self._schedule = schedule
        self._batches = batches
        self._device = ranks.device()
        self._averaged = ranks.averaged(lesson)
        self._mixed = lesson.mixed_precision and self._device.type == "cuda"

    def epoch(self, number: int, batches: Iterator[Batch]) -> float:
        """Learn from an epoch's batches; the mean loss."""
        device, steps = self._device, self._schedule.epochs * self._batches
        self._lesson.train()
        total = torch.zeros((), device=device)
        for step in range(number * self._batches, (number + 1) * self._batches):
            inputs, labels = next(batches)
            for group in self._optimiser.param_groups:
                group["lr"] = self._schedule.rate_at(step, steps)
            with torch.autocast(device.type, torch.bfloat16, enabled=self._mixed):
                loss = self._averaged(_on(device, inputs), labels.to(device, non_blocking=True))
            self._optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self._parameters, 1.0)
            self._optimiser.step()
            total += loss.detach()
        ranks.share_buffers(self._lesson.model)
        return total.item() / self._batches


class _Draws:
    """The random draws of a stage: a process's share of each batch, and torch's seeds."""

    def __init__(self, data: Data, batch: int, stage: str) -> None:
        self._drawer = data.drawer
        self._size = min(batch, len(data.drawer)) // ranks.count() * ranks.count()
        if self._size == 0:
            raise InputError(
                f"{len(data.drawer)} training windows for {ranks.count()} processes",
                "start fewer processes",
            )
        self.batches = len(data.drawer) // self._size
        self._origin = (data.seed, zlib.crc32(stage.encode()))

    def batch(self, step: int) -> Batch:
        """The inputs and labels of a step, in torch's own memory.

        Its alignment is always the same, and with it the order in which kernels add up.
        """
        epoch, at = divmod(step, self.batches)
        order = np.random.default_rng(self._seeds(epoch)).permutation(len(self._drawer))
        chosen = order[at * self._size : (at + 1) * self._size][ranks.rank() :: ranks.count()]
        rng = np.random.default_rng(self._seeds(epoch, 1 + at, ranks.rank()))
        windows = self._drawer.draw(chosen, rng)
        return tuple(map(torch.tensor, windows.inputs.values())), torch.tensor(windows.labels)

    def torch_seed(self, epoch: int) -> int:
        """For what torch draws in an epoch, which is dropout."""
        seeds = np.random.SeedSequence(self._seeds(epoch, 0, 1 + ranks.rank()))
        return int(seeds.generate_state(1, np.uint64)[0])

    def _seeds(self, epoch: int, batch: int = 0, rank: int = 0) -> list[int]:
        """Always as many, because numpy takes shorter ones as padded with zeros."""
        return [*self._origin, epoch, batch, rank]


def _validate(model: nn.Module, part: Windows, history: History) -> None:
    """Add an epoch's figures to the history: the first process's, in all of them."""

    def figures() -> tuple[float, float, float]:
        logits = predict(model, part.inputs)
        scores = score(classes(logits), part, logits.shape[1])
        surprise = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(part.labels))
        return scores.accuracy, scores.macro_f1, surprise.item()

    columns = (history.accuracy, history.macro_f1, history.cross_entropy)
    for column, value in zip(columns, ranks.from_first(figures), strict=True):
        column.append(value)


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _on(device: torch.device, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x.to(device, non_blocking=True) for x in inputs)
