"""Learning curves and confusion matrices as PNG."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from midfuse.core.files import write_whole
from trainer.run.fit import History

_DPI = 120
_LONGEST_LABEL = 30


def draw_curves(histories: Mapping[str, History], path: Path) -> None:
    """A column a stage: its losses above, its validation figures, if any, below; what was kept."""
    validated = any(history.accuracy for history in histories.values())
    rows = 2 if validated else 1
    figure = Figure(figsize=(4.2 * len(histories), 0.4 + 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    columns = figure.subplots(rows, len(histories), squeeze=False, sharex="col").T
    for (stage, history), column in zip(histories.items(), columns, strict=True):
        epochs = np.arange(1, len(history.loss) + 1)
        losses = column[0]
        losses.set_title(stage)
        losses.plot(epochs, history.loss, ".-", label="training loss")
        if validated:
            losses.plot(epochs, history.cross_entropy, ".-", label="validation cross-entropy")
            shares = column[1]
            shares.plot(epochs, history.accuracy, ".-", label="validation accuracy")
            shares.plot(epochs, history.macro_f1, ".-", label="validation macro-F1")
            shares.yaxis.set_major_formatter("{x:.0%}")
        losses.set_ylim(bottom=0)
        column[-1].set_xlabel("epoch")
        column[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for axes in column:
            kept = history.best + 1
            axes.axvline(kept, color="black", ls="--", lw=1, label=f"kept: epoch {kept}")
            axes.grid(alpha=0.3)
            axes.legend(fontsize="small")
    _write(figure, path)


def draw_confusion(
    confusion: npt.NDArray[np.int64], labels: list[str], title: str, path: Path
) -> None:
    """Counts (classes, classes), a row a true class, coloured by their share of the row."""
    classes = len(labels)
    side = 2.6 + 0.42 * classes
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    totals = confusion.sum(1, keepdims=True)
    share = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, format="{x:.0%}", shrink=0.7, label="share of the true class")
    names = [x if len(x) <= _LONGEST_LABEL else f"{x[: _LONGEST_LABEL - 1]}…" for x in labels]
    axes.set_xticks(range(classes), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(classes), names)
    axes.set_xlabel("answer")
    axes.set_ylabel("true class")
    axes.set_title(title)
    for row, column in zip(*confusion.nonzero(), strict=True):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(
            column,
            row,
            str(confusion[row, column]),
            ha="center",
            va="center",
            color=colour,
            fontsize="small",
        )
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    write_whole(path, content.getvalue())
