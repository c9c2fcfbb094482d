"""`report.html`: what a conversion found, in one file that needs no network and no script."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from converter.checks.causes import BROKEN_DB, SUSPECT_DB
from converter.checks.op_check import OpCheck, Verdict
from converter.report import drawings, words
from midfuse.core.activations import peak_activations
from midfuse.core.files import write_whole
from midfuse.core.macs import model_macs
from midfuse.core.tflite_file import TFLiteModel

if TYPE_CHECKING:
    from converter.result import Conversion

# Groups of a model with more ops are folded where all their ops are fine.
_FOLD_ABOVE = 60


@dataclass(frozen=True)
class Group:
    """Ops in a row that belong to the same part of the model."""

    part: str
    checks: list[OpCheck]

    @property
    def title(self) -> str:
        first, last = self.checks[0].index, self.checks[-1].index
        ops = f"op {first}" if first == last else f"ops {first} to {last}"
        return f"{self.part}: {ops}" if self.part else ops.capitalize()

    @property
    def counts(self) -> str:
        return words.counts(self.checks)

    @property
    def healthy(self) -> bool:
        return all(check.verdict is Verdict.FINE for check in self.checks)


@dataclass(frozen=True)
class Sizes:
    """A model in bytes: the file, its constants, and the activations alive at once."""

    name: str
    file: int
    constants: int
    activations: int
    at: str


def write_report(path: Path, result: "Conversion") -> None:
    """Render the report. Names come from the model given, so everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bar": words.bar_percent,
        "change": words.change,
        "decibels": words.decibels,
        "plain": words.plain,
        "share": words.share,
        "size": words.size,
        "sqnr": words.sqnr,
        "why": words.why,
    }
    checks = result.checks
    worst = words.worst_first(checks)[: words.WORST]
    first = words.first_to_see(checks)
    page = environment.get_template("report.html.j2").render(
        result=result,
        headline=words.headline(checks),
        first=None if first is None else first.index,
        counts=words.counts(checks),
        ranges=words.ranges(result.trained, result.observed, result.calibration_windows),
        verdict=worst[0].verdict,
        symbols=words.SYMBOLS,
        sizes=[_sizes("float32", result.float_model), _sizes("int8", result.model)],
        macs=model_macs(result.model),
        groups=group_by_part(checks),
        fold=len(checks) > _FOLD_ABOVE,
        histograms=[drawings.draw_histogram(check) for check in worst],
        weights=drawings.draw_weights(result.model, checks),
        drawing=drawings,
        full_bar=words.FULL_BAR_DB,
        suspect=SUSPECT_DB,
        broken=BROKEN_DB,
    )
    write_whole(path, page)


def _sizes(name: str, model: TFLiteModel) -> Sizes:
    activations, op = peak_activations(model)
    constants = sum(tensor.bytes for tensor in model.tensors if tensor.data is not None)
    return Sizes(name, len(model.content), constants, activations, f"op {op.index} {op.name}")


def group_by_part(checks: Sequence[OpCheck]) -> list[Group]:
    """Ops in a row by the part of the model that their modules lie in; an op of no known module
    stays with those before it."""
    part, parts = "", []
    for check in checks:
        part = part if check.module is None else _part(check.module)
        parts.append(part)
    pairs = groupby(zip(parts, checks, strict=True), key=lambda pair: pair[0])
    return [Group(part, [check for _, check in run]) for part, run in pairs]


def _part(module: str) -> str:
    """The part of a model that a module lies in: `layers.3` of `layers.3.attention.query`."""
    found = re.match(r".*?\.\d+(?=\.|$)", module, re.DOTALL)
    return found.group() if found else module.split(".")[0]
