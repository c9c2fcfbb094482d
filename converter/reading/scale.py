"""Whether calibration windows are on the scale that the model was made for.

Windows in another unit convert without a murmur, to ranges that fit nothing the device will ever
measure. What the model itself remembers of its training tells: the standardisation that a card
prescribes, the statistics of its batch normalisations, and the test windows given beside.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from converter.reading.onnx_file import OnnxModel, module_of
from converter.reading.source import Source
from converter.reading.windows import FloatArray, Windows
from midfuse.core.errors import InputError

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float64]

# Windows looked at; statistics settle long before.
WINDOWS = 64
# Trained models on windows of another person stay below 2 and 1: between these and another unit
# there is room.
FAR_RATIO = 4.0
FAR_MEAN = 5.0
# How near a factor has to be for a unit to be named; windows of other people vary by as much.
_NEAR = 1.25
_UNITS = {
    9.80665: ("m/s²", "g"),
    180 / np.pi: ("degrees", "radians"),
    1e3: ("thousandths", "whole units"),
    1e6: ("millionths", "whole units"),
}


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of every channel, (channels,)."""

    mean: Floats
    std: Floats

    @classmethod
    def of(cls, values: npt.NDArray[Any], axis: int) -> "Statistics":
        """Over all axes but that of the channels."""
        rows = np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis]).astype(np.float64)
        return cls(rows.mean(axis=0), rows.std(axis=0))


@dataclass(frozen=True)
class Seen:
    """A place in the model: what it was made for, and what comes there now."""

    place: str
    trained: Statistics
    now: Statistics

    @property
    def ratio(self) -> float:
        """The median over channels of the standard deviations' ratio, now to trained."""
        alive = self.trained.std > 0
        return float(np.median(self.now.std[alive] / self.trained.std[alive]))

    @property
    def shift(self) -> float:
        """The median distance of the means, in the trained standard deviations."""
        alive = self.trained.std > 0
        distance = np.abs(self.now.mean - self.trained.mean)[alive] / self.trained.std[alive]
        return float(np.median(distance))

    @property
    def far(self) -> bool:
        # What is not finite is no question of scale: the model's answers tell (`check_answers`).
        if not (self.trained.std > 0).any() or not np.isfinite([self.ratio, self.shift]).all():
            return False
        return not 1 / FAR_RATIO <= self.ratio <= FAR_RATIO or self.shift > FAR_MEAN


def check_scale(source: Source, windows: Windows, tested: Windows | None, where: str) -> None:
    """Refuse calibration windows far from what the model was trained on; `where` is their file.

    Far is a standard deviation off by more than `FAR_RATIO` either way, or a mean off by more than
    `FAR_MEAN` standard deviations, in the median over channels.

    Raises:
        InputError: names the input or the batch normalisation, both figures, their factor, and the
            unit that this factor suggests.
    """
    chosen = windows.spread(WINDOWS)
    for seen in _seen(source, chosen, tested):
        if seen.far:
            raise InputError(f"{where}: {_difference(seen)}", _remedy(source, seen, chosen))


def _seen(source: Source, windows: Windows, tested: Windows | None) -> Iterator[Seen]:
    """The places that know what they were made for, the inputs first, then in the model's order."""
    entries = [] if source.card is None else source.card.inputs
    for entry, values in zip(entries, windows.inputs, strict=False):
        now = Statistics.of(values, axis=-1)
        standard = Statistics(np.zeros_like(now.mean), np.ones_like(now.std))
        yield Seen(f"input {entry.name} by its card", standard, now)
    if tested is not None:
        held_out = tested.spread(WINDOWS)
        for spec, a, b in zip(source.inputs, held_out.inputs, windows.inputs, strict=True):
            trained, now = (Statistics.of(values.reshape(-1, 1), axis=1) for values in (a, b))
            yield Seen(f"input {spec.name} beside the test windows", trained, now)
    if source.module is not None:
        yield from _of_module(source.module, windows, source.where)
    elif source.onnx is not None:
        yield from _of_onnx(source.onnx, windows, source.where)


def _of_module(module: "nn.Module", windows: Windows, where: str) -> Iterator[Seen]:
    from torch import nn

    from converter.reading.modules import TorchModel

    norms = {
        name: norm
        for name, norm in module.named_modules()
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)
        and norm.running_mean is not None
        and norm.num_batches_tracked
    }
    taken: dict[str, list[FloatArray]] = {}
    hooks = [
        norm.register_forward_pre_hook(
            lambda _, inputs, name=name: taken.setdefault(name, []).append(inputs[0].numpy().copy())
        )
        for name, norm in norms.items()
    ]
    model = TorchModel(module, where)
    try:
        for at in range(len(windows)):
            model.run(windows.window(at))
    finally:
        for hook in hooks:
            hook.remove()
    for name, values in taken.items():
        norm = norms[name]
        assert norm.running_mean is not None
        assert norm.running_var is not None
        trained = _trained(norm.running_mean.numpy(), norm.running_var.numpy())
        yield Seen(f"the input of {name}", trained, Statistics.of(np.concatenate(values), axis=1))


def _of_onnx(model: onnx.ModelProto, windows: Windows, where: str) -> Iterator[Seen]:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    norms = [
        node
        for node in model.graph.node
        if node.op_type == "BatchNormalization" and constants.keys() >= set(node.input[1:5])
    ]
    names = list(dict.fromkeys(node.input[0] for node in norms))
    if not names:
        return
    reference = OnnxModel(model, where, names)
    rows = [reference.run(windows.window(at)) for at in range(len(windows))]
    taken = {name: np.concatenate([row[i] for row in rows]) for i, name in enumerate(names)}
    for node in norms:
        mean, var = (numpy_helper.to_array(constants[name]) for name in node.input[3:5])
        # As they are before training.
        if not ((mean == 0).all() and (var == 1).all()):
            place = f"the input of {module_of(node.name) or node.name or node.output[0]}"
            yield Seen(place, _trained(mean, var), Statistics.of(taken[node.input[0]], axis=1))


def _trained(mean: npt.NDArray[Any], var: npt.NDArray[Any]) -> Statistics:
    return Statistics(mean.astype(np.float64), np.sqrt(np.maximum(var, 0).astype(np.float64)))


def _difference(seen: Seen) -> str:
    trained, now = seen.trained, seen.now
    if 1 / FAR_RATIO <= seen.ratio <= FAR_RATIO:
        return (
            f"{seen.place}: the mean is {np.median(now.mean):.3g}, in training it was"
            f" {np.median(trained.mean):.3g}, {seen.shift:.3g} standard deviations away"
        )
    return (
        f"{seen.place}: the standard deviation is {np.median(now.std):.3g}, in training it was"
        f" {np.median(trained.std):.3g}: a factor of {seen.ratio:.3g}"
    )


def _remedy(source: Source, seen: Seen, windows: Windows) -> str:
    entries = [] if source.card is None else source.card.inputs
    for entry, values in zip(entries, windows.inputs, strict=False):
        raw = Statistics(np.array(entry.mean, np.float64), np.array(entry.std, np.float64))
        if entry.name in seen.place and not Seen("", raw, Statistics.of(values, axis=-1)).far:
            return "these are raw samples: take the card's mean away and divide by its std"
    for factor, (large, small) in _UNITS.items():
        if 1 / _NEAR <= seen.ratio / factor <= _NEAR:
            return f"are these {large} and was it trained on {small}? Use the unit of training"
        if 1 / _NEAR <= seen.ratio * factor <= _NEAR:
            return f"are these {small} and was it trained on {large}? Use the unit of training"
    return "use windows in the unit, and standardised in the way, that the model was trained on"
