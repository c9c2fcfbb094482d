"""The int8 grids of TFLite in PyTorch: where the student's values are put on them, and gradients.

A quantisation point is a `Grid` module in the student, one for every tensor that the deployed graph
computes on. It lets values through until it is given a range; then it rounds them as the device
does, and its two ends learn with the weights. Weights and the position constant are rounded by
parametrisations that `put_on_grids` registers, on grids that their own extremes set.

Rounding has no useful gradient, so it counts as the identity ("straight-through"). With scale s,
zero point z and code q = clamp(rint(x / s) + z, -128, 127), what comes out is s (q - z), and

    inside the range:  d/dx = 1,  d/ds = rint(x / s) - x / s,  ds/dhigh = -ds/dlow = 1 / 255
    above it:          d/dhigh = 1
    below it:          d/dlow = 1

as learnt step sizes (LSQ, Esser et al., arXiv:1902.08153) and offsets (LSQ+, Bhalgat et al.,
arXiv:2004.09576) have it, here for the two ends. As there, the ends' gradients are divided by
sqrt(127 N) for a tensor of N values, so that they do not outweigh those of the weights.

A sum of products does not come to its grid exactly: the kernels of TFLite round the bias to whole
products of the factors' steps, scale the sum by a fraction of 31 bits and a power of two, and round
before and after the latter, halves away from 0. That moves one value in some hundreds by a code,
and attention makes more of it, so a point that is told the steps of the factors does the same.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

Ranges = dict[str, tuple[float, float]]

# What every softmax of TFLite writes with: the scale 1/256 and the zero point -128.
SOFTMAX = (0.0, 255 / 256)
# How much further than a weight an end moves in a step of Adam, in parts of itself. Steps of the
# size that weights need would leave the ranges where they began.
_REACH = 100.0


def on_grid(
    x: Tensor, low: Tensor, high: Tensor, unit: Tensor | None = None, terms: int = 1
) -> Tensor:
    """`x` rounded to the int8 grid that spans `low` to `high`, float32 scalars around 0.

    To the bit what `midfuse.core.numeric` makes of quantising on its `grid` and back; with `unit`
    (float64, it broadcasts to `x`), of which `x` is a whole multiple, or with `terms` the mean of
    so many, what the kernels of TFLite make of it.
    """
    rounded: Tensor = _OnGrid.apply(x, low, high, unit, terms)  # type: ignore[no-untyped-call]
    return rounded


def _requantised(x: Tensor, unit: Tensor, terms: int, step: Tensor) -> Tensor:
    """Whole steps nearest to sums of units, as TFLite's MultiplyByQuantizedMultiplier has them."""
    fraction, exponent = torch.frexp(unit / step)
    shift = terms.bit_length() - 1
    multiplier = torch.floor(torch.round(fraction * 2.0**31) * 2**shift / terms) / 2.0**31
    exponent = exponent - shift
    left, right = 2.0 ** exponent.clamp(min=0), 2.0 ** (-exponent).clamp(min=0)
    scaled = torch.round(torch.round(x * terms / unit) * left * multiplier) / right
    return torch.sign(scaled) * torch.floor(scaled.abs() + 0.5)


class _OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, low: Tensor, high: Tensor, unit: Tensor | None, terms: int
    ) -> Tensor:
        scale = _step(low, high)
        zero_point = torch.round(-128 - low / scale)
        step = scale.double()
        exact = x.double()
        if unit is None:
            steps = torch.round(exact / step)
        else:
            steps = _requantised(exact, unit, terms, step)
        codes = steps + zero_point
        kept = codes.clamp(-128, 127)
        rounded = ((kept - zero_point) * step).to(x.dtype)
        ctx.save_for_backward(x, rounded, codes > 127, codes < -128, scale)
        return rounded

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        (gradient,) = gradients
        x, rounded, above, below, scale = ctx.saved_tensors
        passed = gradient.masked_fill(above | below, 0)
        of_scale = (passed * (rounded - x)).sum() / scale / 255
        of_low = (gradient * below).sum() - of_scale
        of_high = (gradient * above).sum() + of_scale
        share = (127 * x.numel()) ** -0.5
        return passed, of_low * share, of_high * share, None, None


def _step(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp(min=1e-9) / 255


class Grid(nn.Module):
    """A quantisation point: the identity until it has a range, then that range's grid.

    `fixed` is the range of a point whose values TFLite puts on one grid, whatever they are.

    What learns is by how much an end is stretched, as a logarithm: ends differ in size as the
    tensors do, keep their sign, and stay at 0 where they are 0, as after a ReLU.
    """

    start: Tensor | None
    stretch: nn.Parameter | None

    def __init__(self, fixed: tuple[float, float] | None = None) -> None:
        super().__init__()
        self.fixed = fixed
        self.register_buffer("start", None)
        self.register_parameter("stretch", None)

    def forward(self, x: Tensor, *steps: Tensor | None, terms: int = 1) -> Tensor:
        """Where x sums products, `steps` of their factors; where it is a mean, of how many terms
        of what step."""
        if self.start is None:
            return x
        unit = None
        for step in steps:
            unit = step if unit is None or step is None else unit * step
        return on_grid(x, *self.ends(), unit, terms)

    @property
    def step(self) -> Tensor | None:
        """The step of its grid, float64; None without one."""
        return None if self.start is None else _step(*self.ends()).detach().double()

    def span(self, low: float, high: float) -> None:
        """Give it a range; 0 is always inside."""
        self.start = torch.tensor([min(low, 0.0), max(high, 0.0)])
        self.stretch = nn.Parameter(torch.zeros(2)) if self.fixed is None else None

    def ends(self) -> tuple[Tensor, Tensor]:
        """The range as it is now, float32."""
        assert self.start is not None
        ends = self.start
        if self.stretch is not None:
            ends = ends * torch.exp(_REACH * self.stretch)
        return ends[0], ends[1]


class Points(nn.ModuleDict):
    """The quantisation points of a module, by name; `fixed` ones with their ranges."""

    def __init__(self, *names: str, **fixed: tuple[float, float]) -> None:
        super().__init__({name: Grid() for name in names})
        self.update({name: Grid(span) for name, span in fixed.items()})

    def __getitem__(self, name: str) -> Grid:
        return cast(Grid, super().__getitem__(name))


class ChannelGrid(nn.Module):
    """A weight (outputs, ...) on symmetric grids, one an output channel: scale max |w| / 127."""

    def forward(self, weight: Tensor) -> Tensor:
        values = weight.detach()
        scale = self.steps(values)
        rounded = torch.round(values * (1 / scale)).clamp(-127, 127) * scale
        return weight + (rounded - values)

    @staticmethod
    def steps(weight: Tensor) -> Tensor:
        """The step of every output channel, (outputs, 1, ...)."""
        most = weight.detach().abs().amax(tuple(range(1, weight.ndim)), keepdim=True)
        return most.clamp(min=1e-9) / 127


def weight_step(layer: nn.Module) -> Tensor | None:
    """The steps of a layer's weight, so that they broadcast to what it gives; None off grids."""
    if not parametrize.is_parametrized(layer, "weight"):
        return None
    assert isinstance(layer.parametrizations, nn.ModuleDict)
    original = layer.parametrizations["weight"].original
    assert isinstance(original, Tensor)
    return ChannelGrid.steps(original).squeeze(1).double()


class ConstantGrid(nn.Module):
    """A constant that is added, on the one grid that spans its values."""

    def forward(self, constant: Tensor) -> Tensor:
        values = constant.detach()
        rounded = on_grid(values, values.amin().clamp(max=0), values.amax().clamp(min=0))
        return constant + (rounded - values)


def grids(module: nn.Module) -> dict[str, Grid]:
    """The quantisation points of a whole module, by their names in it."""
    return {name: m for name, m in module.named_modules() if isinstance(m, Grid)}


def put_on_grids(module: nn.Module, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Round weights, constants and every point's values from here on; `ranges` by point."""
    for name, grid in grids(module).items():
        grid.span(*ranges[name])
    for part in list(module.modules()):
        if isinstance(part, nn.Linear | nn.Conv1d):
            parametrize.register_parametrization(part, "weight", ChannelGrid())
        elif isinstance(getattr(part, "position", None), nn.Parameter):
            parametrize.register_parametrization(part, "position", ConstantGrid())


def trained_ranges(module: nn.Module) -> Ranges:
    """What the model card keeps of the points: both ends of every range."""
    ranges = {}
    for name, grid in grids(module).items():
        low, high = grid.ends()
        ranges[name] = low.item(), high.item()
    return ranges


def plain_weights(module: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of a module, as they are when it is on no grids."""
    of_grids = {f"{name}.{field}" for name in grids(module) for field in ("start", "stretch")}
    return {
        re.sub(r"parametrizations\.(\w+)\.original$", r"\1", name): value
        for name, value in module.state_dict().items()
        if name not in of_grids
    }
