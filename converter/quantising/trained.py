"""Ranges that were trained: which tensors of the float `.tflite` they belong to.

The model card has a range for modules of the student, by name: what such a module gives is on that
range's grid. The module and the float `.tflite` run on the same windows, and a tensor that holds
what a module gives takes its range, and with it all that value-moving ops tie to the tensor.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from converter.lowering.prints import CLOSE, Print, equal, probes, tensor_prints, value_print
from converter.quantising.ranges import FIXED_RANGES, Ranges, Span, tied
from converter.reading.windows import FloatArray, Windows
from midfuse.core.errors import InputError
from midfuse.core.numeric import grid
from midfuse.core.tflite_file import TFLiteModel

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class _Point:
    """A module that the card names, its range, and the print of what it gives."""

    name: str
    span: Span
    print: Print


def trained_spans(
    model: TFLiteModel, module: "nn.Module", ranges: Ranges, windows: Windows, where: str
) -> dict[int, Span]:
    """The trained range of every group of tied tensors that has one, by `tied`'s representative.

    Where several modules give the same values, the one that is computed first goes to the tensor
    that is computed first.

    Args:
        model: the float `.tflite` of `module`.
        ranges: `trained_ranges` of the card `where`.
        windows: calibration windows.

    Raises:
        InputError: a range that is none, or of a module that there is not, or one that no tensor
            takes, or that a tensor cannot take.
    """
    if not ranges:
        return {}
    inputs = probes(windows)
    points = _points(module, ranges, inputs, where)
    roots = tied(model)
    groups: dict[int, list[Print]] = {}
    for index, values in tensor_prints(model, roots, inputs).items():
        groups.setdefault(roots[index], []).append(values)
    takers: dict[int, _Point] = {}
    for alike in _alike(points):
        held = [
            root
            for root, prints in groups.items()
            if equal(np.array(prints), alike[0].print, CLOSE).any()
        ]
        if not held:
            raise _refused(where, alike[0].name, "no tensor of the .tflite holds what it gives")
        one = all(point.span == alike[0].span for point in alike)
        if not one and len(alike) != len(held):
            names = " and ".join(point.name for point in alike)
            raise _refused(where, names, "they give the same values on different grids")
        for root, point in zip(held, repeat(alike[0]) if one else alike, strict=False):
            other = takers.setdefault(root, point)
            if other.span != point.span:
                raise _refused(where, point.name, f"its tensor is tied to that of {other.name}")
    for op in model.ops:
        taker = takers.get(roots.get(op.outputs[0], -1))
        if op.name in FIXED_RANGES and taker is not None:
            fixed = FIXED_RANGES[op.name]
            if grid(*taker.span) != grid(*fixed):
                raise _refused(where, taker.name, f"{op.name} writes on {fixed} only")
    return {root: point.span for root, point in takers.items()}


def _points(
    module: "nn.Module", ranges: Ranges, inputs: list[list[FloatArray]], where: str
) -> list[_Point]:
    """The modules that the card names, in the order in which they are computed."""
    import torch

    modules = dict(module.named_modules())
    given: dict[str, list[FloatArray]] = {}
    hooks = []
    for name, (low, high) in ranges.items():
        if not name or name not in modules:
            raise _refused(where, name, "the student has no such module")
        if not low < high:
            raise _refused(where, name, f"({low:g}, {high:g}) is no range")

        def keep(_: object, __: object, values: object, name: str = name) -> None:
            if not isinstance(values, torch.Tensor):
                raise _refused(where, name, f"it gives {type(values).__name__}, not a tensor")
            given.setdefault(name, []).append(values.numpy().ravel())

        hooks.append(modules[name].register_forward_hook(keep))
    with torch.inference_mode():
        for window in inputs:
            module(*(torch.from_numpy(values) for values in window))
    for hook in hooks:
        hook.remove()
    for name in ranges:
        if len(given.get(name, [])) != len(inputs):
            raise _refused(where, name, "an inference does not run it once")
    return [
        _Point(name, ranges[name], value_print(np.concatenate(parts).astype(np.float32)))
        for name, parts in given.items()
    ]


def _alike(points: list[_Point]) -> Iterable[list[_Point]]:
    """The points in order, those that give the same values together."""
    alike: list[list[_Point]] = []
    for point in points:
        for others in alike:
            if equal(point.print, others[0].print, CLOSE):
                others.append(point)
                break
        else:
            alike.append([point])
    return alike


def _refused(where: str, name: str, why: str) -> InputError:
    return InputError(
        f"{where}: trained_ranges: {name}: {why}", "train again, or correct the field"
    )
