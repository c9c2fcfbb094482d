"""The studies' pictures, as PNG."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

_DPI = 140
# Distinct for the colour-blind too (Okabe and Ito's palette).
TEACHER, STUDENT, INT8, OTHERS = "#0072B2", "#E69F00", "#009E73", "#7F7F7F"


def _colour(model: str) -> str:
    if model == "teacher":
        return TEACHER
    family, _, _ = model.partition("_")
    return {"student": STUDENT, "int8": INT8}.get(family, OTHERS)


def draw_effectiveness(data: Mapping[str, Any], titles: Mapping[str, str], to: IO[bytes]) -> None:
    """Accuracy and macro-F1 side by side, a row a model: mean, deviation, and below each seed."""
    models = list(titles)
    figure = _figure(9.6, 1.4 + 0.36 * len(models))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, key, title in zip(
        panels, ("accuracy", "macro_f1"), ("accuracy", "macro-F1"), strict=True
    ):
        for row, model in enumerate(models):
            found, colour = data["models"][model][key], _colour(model)
            centre, spread = 100 * found["mean"], 100 * (found["deviation"] or 0)
            axes.errorbar(
                centre, row, xerr=spread or None, fmt="o", color=colour, ms=7, capsize=4, lw=1.6
            )
            seeds = [100 * each for each in found["by_seed"]] if spread else []
            axes.plot(seeds, [row + 0.26] * len(seeds), "o", color=colour, ms=3, alpha=0.6)
            axes.annotate(f"{centre:.1f}", (centre, row), xytext=(0, 7),
                          textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
        axes.set_xlabel(f"{title} on held-out subjects, %")
        axes.grid(axis="x", alpha=0.3)
        axes.margins(x=0.12)
    panels[0].set_yticks(range(len(models)), list(titles.values()))
    panels[0].set_ylim(len(models) - 0.4, -0.7)
    count = len(data["seeds"])
    about = f"{data['dataset']}, {data['windows']:,} windows"
    figure.suptitle(f"{about}, {count} seeds" if count > 1 else about)
    figure.savefig(to, dpi=_DPI)


def draw_scalability(data: Mapping[str, Any], to: IO[bytes]) -> None:
    """A column an axis: accuracy above, multiply-accumulates and instructions below (log)."""
    axes_of = data["axes"]
    figure = _figure(4.4 * len(axes_of), 6.4)
    above, below = figure.subplots(2, len(axes_of), sharex="col", sharey="row")
    for top, bottom, (name, points) in zip(above, below, axes_of.items(), strict=True):
        # Between one sensor and another there is nothing; windows and widths have an order.
        line = "" if name == "modalities" else "-"
        _accuracies(top, points, line)
        _costs(bottom, points, line)
        top.set_title(name)
        labels = [point["label"].replace(" + ", "\n+ ") for point in points]
        bottom.set_xticks(range(len(points)), labels)
        bottom.set_xlim(-0.4, len(points) - 0.6)
    above[0].set_ylabel("accuracy on held-out subjects, %")
    below[0].set_ylabel("count for one window")
    below[0].yaxis.set_major_formatter(EngFormatter(sep=" "))
    above[-1].legend()
    below[-1].legend(fontsize="small")
    figure.suptitle(f"{data['dataset']}: what more sensors, samples and width bring and cost")
    figure.savefig(to, dpi=_DPI)


def _accuracies(axes: Axes, points: Sequence[Mapping[str, Any]], line: str) -> None:
    for model, label, colour, mark in (
        ("teacher", "teacher", TEACHER, "s"),
        ("student", "student int8", INT8, "o"),
    ):
        found = [point[model]["accuracy"] for point in points]
        spread = [100 * (each["deviation"] or 0) for each in found]
        axes.errorbar(
            range(len(points)),
            [100 * each["mean"] for each in found],
            yerr=spread if any(spread) else None,
            fmt=mark + line, color=colour, capsize=4, label=label,
        )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.margins(y=0.15)


def _costs(axes: Axes, points: Sequence[Mapping[str, Any]], line: str) -> None:
    for model, key, label, colour, mark in (
        ("teacher", "macs", "teacher: MACs", TEACHER, "s"),
        ("student", "instructions", "student int8: instructions", STUDENT, "^"),
        ("student", "macs", "student: MACs", INT8, "o"),
    ):
        counts = [point[model][key] for point in points]
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


def draw_robustness(data: Mapping[str, Any], to: IO[bytes]) -> None:
    """A panel a kind of perturbation: accuracy over its strength, from none on."""
    untouched, *others = data["conditions"]
    kinds = list(dict.fromkeys(condition["kind"] for condition in others))
    figure = _figure(2.9 * len(kinds), 3.8)
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        _perturbed(axes, kind, [untouched, *(each for each in others if each["kind"] == kind)])
    panels[0].set_ylabel("accuracy on held-out subjects, %")
    panels[0].set_ylim(bottom=0)
    panels[0].legend(loc="lower left")
    seeds = len(data["seeds"])
    about = f"{data['dataset']}, {data['windows']} windows a condition"
    figure.suptitle(f"{about}, {seeds} seeds" if seeds > 1 else about)
    figure.savefig(to, dpi=_DPI)


def _perturbed(axes: Axes, kind: str, points: Sequence[Mapping[str, Any]]) -> None:
    """One panel: lines over a strength, points side by side where it is only a name."""
    named = isinstance(points[-1]["strength"], str)
    places = range(len(points)) if named else [float(point["strength"]) for point in points]
    for model, colour, mark, aside in (
        ("teacher", TEACHER, "s--", -0.12),
        ("student", STUDENT, "o-", 0.0),
        ("int8", INT8, "^:", 0.12),
    ):
        found = [point["models"][model]["accuracy"] for point in points]
        axes.errorbar(
            [place + aside * named for place in places],
            [100 * each["mean"] for each in found],
            yerr=[100 * (each["deviation"] or 0) for each in found],
            fmt=mark[0] if named else mark, color=colour, ms=4, capsize=3, label=model,
        )  # fmt: skip
    if named:
        names = ["none", *(point["strength"] for point in points[1:])]
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
