"""The search for what an int8 model needs: candidates in order, each measured, kept if it helps.

First what costs nothing on the device (equalisation, ranges, biases), then int16 for the fewest
activations that do. The search ends when the model is healthy; a healthy one is never touched.
A third of the calibration windows, spread over all of them, only judges; test data has no part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converter.fixes.bias import correct_biases
from converter.fixes.equalise import equalise
from converter.fixes.judge import Judge
from converter.fixes.ranges import clipped_ranges, least_squares, percentile
from converter.fixes.score import FixItem, Score, helps
from converter.fixes.wide import RoundingCost, rounding_costs
from converter.quantising.quantise import quantise_model
from converter.quantising.ranges import Ranges, Span, minmax_ranges
from converter.reading.windows import Windows
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress, Task
from midfuse.core.tflite_file import TFLiteModel

_LEAST_WINDOWS = 20
_JUDGED_WINDOWS = 400
# Windows for what needs an interpreter a tensor, or only means.
_FEW_WINDOWS = 64
# Tensors that make this share of all rounding noise are candidates for int16, no others.
_NOISE_SHARE = 0.99
_METHODS = {
    "percentile 99.99": percentile(99.99),
    "percentile 99.9": percentile(99.9),
    "least squared error": least_squares,
}


@dataclass(frozen=True)
class Fixed:
    """The int8 model and the float model whose tensors are its own, on `ranges`.

    The float model computes what the one given computes, to the bit; where no item was kept it is
    the one given. `wide` names the activations in int16.
    """

    int8: TFLiteModel
    float_model: TFLiteModel
    ranges: Ranges
    wide: tuple[str, ...]
    items: list[FixItem]


@dataclass(frozen=True)
class _Plan:
    """Which fixes go into a model."""

    equalised: bool = False
    method: str | None = None
    unbiased: bool = False
    wide: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Made:
    int8: TFLiteModel
    float_model: TFLiteModel
    ranges: Ranges


class _Maker:
    """Makes int8 models by plans from one set of windows; does nothing twice."""

    def __init__(
        self,
        model: TFLiteModel,
        windows: Windows,
        path: Path,
        where: str,
        trained: Mapping[int, Span],
    ) -> None:
        self._model = model
        self._windows = windows
        self._path = path
        self._where = where
        self.trained = trained
        self._floats: dict[bool, TFLiteModel] = {False: model}
        self._ranges: dict[tuple[bool, str | None], Ranges] = {}

    def make(self, plan: _Plan) -> _Made:
        float_model = self.float_model(plan.equalised)
        # 65,536 codes have room for the outliers.
        full = {name: self.ranges(plan.equalised, None)[name] for name in plan.wide}
        ranges = self.ranges(plan.equalised, plan.method) | full
        int8 = quantise_model(float_model, ranges, self._path, self._where, plan.wide)
        if plan.unbiased:
            few = self._windows.spread(_FEW_WINDOWS)
            corrected = correct_biases(float_model, int8, few)
            int8 = quantise_model(corrected, ranges, self._path, self._where, plan.wide)
        return _Made(int8, float_model, ranges)

    def float_model(self, equalised: bool) -> TFLiteModel:
        if equalised not in self._floats:
            self._floats[equalised] = equalise(self._model, self._windows)
        return self._floats[equalised]

    def ranges(self, equalised: bool, method: str | None) -> Ranges:
        key = equalised, method
        if key not in self._ranges:
            model = self.float_model(equalised)
            self._ranges[key] = (
                minmax_ranges(model, self._windows, trained=self.trained)
                if method is None
                else clipped_ranges(model, self._windows, _METHODS[method])
            )
        return self._ranges[key]


class _Search:
    """Tries plans one after the other; `plan` and `score` are of the best so far."""

    def __init__(self, maker: _Maker, judge: Judge, task: Task) -> None:
        self._maker = maker
        self._judge = judge
        self._task = task
        self.items: list[FixItem] = []
        self.plan = _Plan()
        self.score = judge.score(maker.make(self.plan).int8)

    def run(self, windows: Windows) -> None:
        """All candidates in order, until the model is healthy."""
        free = () if self._maker.trained else (self._equalisation, self._methods)
        for candidates in (*free, self._biases):
            if self.score.healthy:
                return
            self._best_of(candidates())
        if not self.score.healthy:
            self._widen(windows)

    def _equalisation(self) -> Iterator[tuple[str, str, _Plan]]:
        if self._maker.float_model(True) is not self._maker.float_model(False):
            change = "channels of linked linear ops brought to one size, by powers of two"
            yield "cross-layer equalisation", change, replace(self.plan, equalised=True)

    def _methods(self) -> Iterator[tuple[str, str, _Plan]]:
        for name in _METHODS:
            change = "ranges that leave rare values out, in place of smallest and largest value"
            yield name, change, replace(self.plan, method=name)

    def _biases(self) -> Iterator[tuple[str, str, _Plan]]:
        change = "biases make up for the mean error of rounding, a channel"
        yield "bias correction", change, replace(self.plan, unbiased=True)

    def _widen(self, windows: Windows) -> None:
        """int16 for the costliest tensors: 1, 2, 4, …, then as few as keep the model healthy."""
        made = self._maker.make(self.plan)
        costs = rounding_costs(made.float_model, made.ranges, windows.spread(_FEW_WINDOWS))
        heard = np.cumsum([cost.noise for cost in costs])
        most = int(np.searchsorted(heard, _NOISE_SHARE * heard[-1]) + 1) if len(heard) else 0
        first, before = len(self.items), self.score
        count, enough = 1, 0
        while count <= most and not self.score.healthy:
            self._best_of(iter([self._wide(costs[:count])]))
            enough, count = count, min(2 * count, max(most, count + 1))
        fewest = enough // 2 + 1
        while self.score.healthy and fewest < enough:
            middle = (fewest + enough) // 2
            name, change, plan = self._wide(costs[:middle])
            score = self._try(name, plan)
            if score is not None and score.healthy:
                enough = middle
                self.items[-1] = replace(self.items[-1], name=name, change=change, after=score)
                self.plan, self.score = plan, score
            else:
                fewest = middle + 1
        # Each of these takes the place of the one before it.
        self.items[first:] = [
            replace(item, before=before, kept=item.kept and item.after == self.score)
            for item in self.items[first:]
        ]

    def _wide(self, costs: list[RoundingCost]) -> tuple[str, str, _Plan]:
        names = tuple(name for cost in costs for name in cost.tensors)
        plan = replace(self.plan, wide=names)
        tensors = "tensor" if len(names) == 1 else "tensors"
        return f"int16 for {len(names)} {tensors}", ", ".join(names), plan

    def _best_of(self, candidates: Iterator[tuple[str, str, _Plan]]) -> None:
        """Try alternatives and keep the best that helps, if any."""
        before, tried = self.score, []
        for name, change, plan in candidates:
            after = self._try(name, plan)
            if after is not None:
                tried.append((FixItem(name, change, before, after, False), plan))
        helpful = [entry for entry in tried if helps(before, entry[0].after)]
        best = max(helpful, key=lambda entry: entry[0].after.sqnr_db, default=None)
        for entry in tried:
            item, plan = entry
            if entry is best:
                item = replace(item, kept=True)
                self.plan, self.score = plan, item.after
            self.items.append(item)

    def _try(self, name: str, plan: _Plan) -> Score | None:
        """The score of a plan; None where the quantiser cannot make it."""
        self._task.advance(1, name)
        try:
            return self._judge.score(self._maker.make(plan).int8)
        except InputError:
            return None


def fix(
    model: TFLiteModel,
    windows: Windows,
    path: Path,
    where: str,
    progress: Progress = SILENT,
    trained: Mapping[int, Span] | None = None,
) -> Fixed:
    """Quantise a float model with the fixes that help it; a healthy one as it is.

    Args:
        model: the float `.tflite`.
        windows: calibration windows, with labels where known. A third of them judges the fixes;
            the model that comes out is made from all.
        path, where: as for `quantise_model`.
        trained: ranges that were trained, as for `minmax_ranges`. The weights were trained on
            them, so what would choose others, or scale channels, is not tried.

    Raises:
        InputError: too few windows, or what `quantise_model` raises.
    """
    if len(windows) < _LEAST_WINDOWS:
        raise InputError(
            f"{where}: {len(windows)} calibration windows are too few to judge fixes by",
            f"give at least {_LEAST_WINDOWS}, or leave `fix` out",
        )
    judged = np.arange(len(windows)) % 3 == 1
    making = windows.where(~judged)
    with progress.task("Fixes") as task:
        judge = Judge(model, windows.where(judged).spread(_JUDGED_WINDOWS))
        settled = trained or {}
        search = _Search(_Maker(model, making, path, where, settled), judge, task)
        search.run(making)
        task.advance(0, "on all windows")
        made = _Maker(model, windows, path, where, settled).make(search.plan)
    return Fixed(made.int8, made.float_model, made.ranges, search.plan.wide, search.items)
