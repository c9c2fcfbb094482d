"""The studies' pictures, as PNG."""

from collections.abc import Mapping, Sequence
from typing import IO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from midfuse.core.results import (
    AxisPoint,
    EffectivenessResult,
    RobustnessResult,
    ScalabilityResult,
    StudiedCondition,
)

_DPI = 140
# Distinct for the colour-blind too (Okabe and Ito's palette).
TEACHER, STUDENT, INT8, OTHERS = "#0072B2", "#E69F00", "#009E73", "#7F7F7F"


def _colour(model: str) -> str:
    if model == "teacher":
        return TEACHER
    if "int8" in model or model == "on_device":
        return INT8
    return STUDENT if model.startswith("student") else OTHERS


def draw_effectiveness(
    study: EffectivenessResult, titles: Mapping[str, str], to: IO[bytes]
) -> None:
    """Accuracy and macro-F1 side by side, a row a model: mean, deviation, and below each seed."""
    models = list(titles)
    figure = _figure(9.6, 1.4 + 0.36 * len(models))
    panels = figure.subplots(1, 2, sharey=True)
    figures = [study.models[model] for model in models]
    for axes, shown, title in zip(
        panels,
        ([each.accuracy for each in figures], [each.macro_f1 for each in figures]),
        ("accuracy", "macro-F1"),
        strict=True,
    ):
        for row, (model, found) in enumerate(zip(models, shown, strict=True)):
            colour = _colour(model)
            centre, spread = 100 * found.mean, 100 * (found.deviation or 0)
            axes.errorbar(
                centre, row, xerr=spread or None, fmt="o", color=colour, ms=7, capsize=4, lw=1.6
            )
            seeds = [100 * each for each in found.by_seed] if spread else []
            axes.plot(seeds, [row + 0.26] * len(seeds), "o", color=colour, ms=3, alpha=0.6)
            axes.annotate(f"{centre:.1f}", (centre, row), xytext=(0, 7),
                          textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
        axes.set_xlabel(f"{title} on held-out subjects, %")
        axes.grid(axis="x", alpha=0.3)
        axes.margins(x=0.12)
    panels[0].set_yticks(range(len(models)), list(titles.values()))
    panels[0].set_ylim(len(models) - 0.4, -0.7)
    count = len(study.seeds)
    about = f"{study.dataset}, {study.windows:,} windows"
    figure.suptitle(f"{about}, {count} seeds" if count > 1 else about)
    figure.savefig(to, dpi=_DPI)


def draw_scalability(study: ScalabilityResult, to: IO[bytes]) -> None:
    """A column an axis: accuracy above, multiply-accumulates and instructions below (log)."""
    axes_of = study.axes
    figure = _figure(4.4 * len(axes_of), 6.4)
    above, below = figure.subplots(2, len(axes_of), sharex="col", sharey="row")
    for top, bottom, (name, points) in zip(above, below, axes_of.items(), strict=True):
        # Between one sensor and another there is nothing; windows and widths have an order.
        line = "" if name == "modalities" else "-"
        _accuracies(top, points, line)
        _costs(bottom, points, line)
        top.set_title(name)
        labels = [point.label.replace(" + ", "\n+ ") for point in points]
        bottom.set_xticks(range(len(points)), labels)
        bottom.set_xlim(-0.4, len(points) - 0.6)
    above[0].set_ylabel("accuracy on held-out subjects, %")
    below[0].set_ylabel("count for one window")
    below[0].yaxis.set_major_formatter(EngFormatter(sep=" "))
    above[-1].legend()
    below[-1].legend(fontsize="small")
    figure.suptitle(f"{study.dataset}: what more sensors, samples and width bring and cost")
    figure.savefig(to, dpi=_DPI)


def _accuracies(axes: Axes, points: Sequence[AxisPoint], line: str) -> None:
    for found, label, colour, mark in (
        ([point.teacher.accuracy for point in points], "teacher", TEACHER, "s"),
        ([point.student.accuracy for point in points], "student int8", INT8, "o"),
    ):
        spread = [100 * (each.deviation or 0) for each in found]
        axes.errorbar(
            range(len(points)),
            [100 * each.mean for each in found],
            yerr=spread if any(spread) else None,
            fmt=mark + line, color=colour, capsize=4, label=label,
        )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.margins(y=0.15)


def _costs(axes: Axes, points: Sequence[AxisPoint], line: str) -> None:
    instructions = [point.student.instructions for point in points]
    for counts, label, colour, mark in (
        ([point.teacher.macs for point in points], "teacher: MACs", TEACHER, "s"),
        (instructions, "student int8: instructions", STUDENT, "^"),
        ([point.student.macs for point in points], "student: MACs", INT8, "o"),
    ):
        axes.plot(range(len(points)), counts, mark + line, color=colour, label=label)
    axes.set_yscale("log")
    axes.margins(y=0.2)
    axes.grid(which="both", alpha=0.3)


# By kind: the panel's title, and what its strength is measured in.
_PERTURBED = {
    "noise": ("sensor noise", "standard deviations"),
    "rotation": ("rotated mounting", "degrees"),
    "dropped": ("dropped samples, in bursts", "% of samples"),
    "shift": ("sensors out of step", "seconds late"),
    "missing": ("a sensor missing", "which"),
}


def draw_robustness(study: RobustnessResult, to: IO[bytes]) -> None:
    """A panel a kind of perturbation: accuracy over its strength, from none on."""
    untouched, *others = study.conditions
    kinds = list(dict.fromkeys(condition.kind for condition in others))
    figure = _figure(2.9 * len(kinds), 3.8)
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        _perturbed(axes, kind, [untouched, *(each for each in others if each.kind == kind)])
    panels[0].set_ylabel("accuracy on held-out subjects, %")
    panels[0].set_ylim(bottom=0)
    panels[0].legend(loc="lower left")
    seeds = len(study.seeds)
    about = f"{study.dataset}, {study.windows} windows per condition"
    figure.suptitle(f"{about}, {seeds} seeds" if seeds > 1 else about)
    figure.savefig(to, dpi=_DPI)


def _perturbed(axes: Axes, kind: str, points: Sequence[StudiedCondition]) -> None:
    """One panel: lines over a strength, points side by side where it is only a name."""
    named = isinstance(points[-1].strength, str)
    places = range(len(points)) if named else [float(point.strength) for point in points]
    for model, label, colour, mark, aside in (
        ("teacher", "teacher", TEACHER, "s--", -0.12),
        ("student_tuned_float", "student", STUDENT, "o-", 0.0),
        ("on_device", "int8", INT8, "^:", 0.12),
    ):
        found = [point.models[model].accuracy for point in points]
        axes.errorbar(
            [place + aside * named for place in places],
            [100 * each.mean for each in found],
            yerr=[100 * (each.deviation or 0) for each in found],
            fmt=mark[0] if named else mark, color=colour, ms=4, capsize=3, label=label,
        )  # fmt: skip
    if named:
        names = ["none", *(str(point.strength) for point in points[1:])]
        many = len(names) > 3
        axes.set_xticks(places, names, rotation=30 * many, ha="right" if many else "center")
        axes.set_xlim(-0.5, len(names) - 0.5)
    title, unit = _PERTURBED[kind]
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.grid(alpha=0.3)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
