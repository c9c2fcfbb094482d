"""Models on real recordings whose int8 form loses accuracy, each for a reason of its own.

The recordings are the watch's that the `seglearn` package carries: six subjects train and
calibrate, four others are tested on. Everything is seeded, and trained in seconds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from converter.checks.per_op import quantise_inputs
from converter.fixes.search import Fixed, fix
from converter.lowering.float_model import FloatModel
from converter.pipeline import convert_model
from converter.reading.windows import Windows
from midfuse.core.card import Window
from midfuse.core.oracle import run_windows
from midfuse.core.tflite_file import TFLiteModel
from trainer.data.datasets import load_dataset
from trainer.data.windows import cut, fit_standardiser, of_subjects

CLASSES = 7
LENGTH = 100
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recordings:
    """Standardised windows (N, LENGTH, 6) float32 and their classes (N,), by part."""

    training: FloatArray
    training_labels: npt.NDArray[np.int64]
    test: FloatArray
    test_labels: npt.NDArray[np.int64]


def recordings() -> Recordings:
    """Windows of 2 s, half overlapping; the last four subjects are held out."""
    dataset = load_dataset("seglearn-watch")
    subjects = dataset.subjects
    window = Window(length=LENGTH, hop=LENGTH // 2)
    training = cut(of_subjects(dataset, subjects[:-4]), window)
    test = cut(of_subjects(dataset, subjects[-4:]), window)
    standardise = fit_standardiser(training)
    joined = [
        np.concatenate(list(standardise(part.inputs).values()), -1).astype(np.float32)
        for part in (training, test)
    ]
    return Recordings(joined[0], training.labels, joined[1], test.labels)


def with_glitches(windows: FloatArray) -> FloatArray:
    """One sample in every hundredth window is far beyond what the sensor can measure."""
    rng = np.random.default_rng(0)
    spoilt = windows.copy()
    for window in np.flatnonzero(rng.random(len(windows)) < 0.01):
        spoilt[window, rng.integers(LENGTH), rng.integers(6)] = rng.choice([-300, 300])
    return spoilt


@dataclass(frozen=True)
class Case:
    """A trained model in float and plain int8, what it was calibrated on, and the test windows."""

    float_model: TFLiteModel
    int8: TFLiteModel
    calibration: Windows
    test: Windows
    folder: Path

    def fixed(self) -> Fixed:
        return fix(self.float_model, self.calibration, self.int8.path, "model")

    def float_accuracy(self) -> float:
        """On the test windows."""
        model = FloatModel(self.float_model)
        classes = [int(model.run(self.test.window(at))[0].argmax()) for at in range(len(self.test))]
        return float(np.mean(np.array(classes) == self.test.labels))

    def int8_accuracy(self, int8: TFLiteModel) -> float:
        """Under TFLM, on the test windows."""
        (scores,) = run_windows(int8, quantise_inputs(int8, self.test.inputs))
        classes: npt.NDArray[np.int64] = scores.reshape(len(self.test), -1).argmax(axis=1)
        return float(np.mean(classes == self.test.labels))


def case(name: str, data: Recordings, folder: Path, seed: int = 1) -> Case:
    """Train the model of `CASES` of that name and convert it plainly."""
    make, spoil = CASES[name]
    windows = spoil(data.training)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that the sums, and with them the weights, are the same each time
    torch.manual_seed(seed)
    model = train(make(), windows, data.training_labels)
    torch.set_num_threads(threads)
    result = convert_model(
        model, {"x": windows, "labels": data.training_labels}, out=folder / "plain"
    )
    return Case(
        result.float_model,
        result.model,
        Windows([windows[:, None]], data.training_labels),
        Windows([data.test[:, None]], data.test_labels),
        folder,
    )


class Separable(nn.Module):
    """A mobile network: every channel is filtered by itself, then the channels are mixed.

    The normalisation after each depthwise filter makes the size of the channel before it of no
    account, so nothing in the training evens these sizes out.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        sizes = torch.cat([torch.ones(4), 10.0 ** -torch.linspace(1.5, 3, width - 4)])

        def normed(layer: nn.Conv1d, *, even: bool) -> nn.Sequential:
            norm = nn.BatchNorm1d(width)
            if not even:
                norm.weight.data = sizes[torch.randperm(width)]
                norm.bias.data = 0.5 * norm.weight.data
            return nn.Sequential(layer, norm, nn.ReLU())

        def depthwise() -> nn.Sequential:
            return normed(nn.Conv1d(width, width, 5, stride=2, groups=width), even=True)

        self.filters = nn.Sequential(
            normed(nn.Conv1d(6, width, 5, stride=2), even=False),
            depthwise(),
            normed(nn.Conv1d(width, width, 1), even=False),
            depthwise(),
            normed(nn.Conv1d(width, width, 1), even=True),
        )
        self.classify = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.filters(x.transpose(1, 2))
        logits: Tensor = self.classify(x.mean(-1))
        return logits


class Convolutions(nn.Module):
    """Two convolutions and a classifier."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.first = nn.Conv1d(6, width, 5, stride=2)
        self.second = nn.Conv1d(width, 2 * width, 5, stride=2)
        self.classify = nn.Linear(2 * width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x.transpose(1, 2)).relu()).relu()
        logits: Tensor = self.classify(x.mean(-1))
        return logits


class LayerNormTransformer(nn.Module):
    """One channel of the residual stream is far larger than the others, as in large transformers.

    LayerNorm divides by its size; the gains of the other channels make up for it.
    """

    def __init__(self, width: int = 32, outlier: float = 1000.0) -> None:
        super().__init__()
        self.embed = nn.Conv1d(6, width, 10, stride=10)
        self.position = nn.Parameter(0.02 * torch.randn(LENGTH // 10, width))
        self.block = Block(width)
        self.norm = nn.LayerNorm(width)
        self.classify = nn.Linear(width, CLASSES)
        with torch.no_grad():
            self.position[:, 0] = outlier
            for norm in (self.block.first, self.block.second, self.norm):
                norm.weight[1:] = outlier * math.sqrt(width - 1) / width
                norm.bias[1:] = outlier / width
                norm.bias[0] = -math.sqrt(width - 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.transpose(1, 2)).transpose(1, 2) + self.position
        logits: Tensor = self.classify(self.norm(self.block(x)).mean(1))
        return logits


class Block(nn.Module):
    """Attention with one head, then two linear maps, each after a LayerNorm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.expand, self.contract = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.scale = 1 / math.sqrt(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        scores = (self.query(y) * self.scale) @ self.key(y).transpose(1, 2)
        x = x + scores.softmax(-1) @ self.value(y)
        return x + self.contract(self.expand(self.second(x)).relu())


def train(
    model: nn.Module, windows: FloatArray, labels: npt.NDArray[np.int64], epochs: int = 20
) -> nn.Module:
    """Adam on the cross-entropy, one learning-rate cycle; the model, ready for inference."""
    x, y = torch.from_numpy(windows), torch.from_numpy(labels)
    optimiser = torch.optim.Adam(model.parameters())
    steps = epochs * math.ceil(len(x) / 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 64):
            batch = order[start : start + 64]
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch], label_smoothing=0.1)
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    return model.eval()


# What each case trains, and what is done to the windows that train and calibrate it.
CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[FloatArray], FloatArray]]] = {
    "uneven channels": (Separable, lambda windows: windows),
    "glitches": (Convolutions, with_glitches),
    "outlier channel": (LayerNormTransformer, lambda windows: windows),
}
