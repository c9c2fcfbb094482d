"""Tuning: the student learns to give on the int8 grid what it gives in float.

The folded student learns on, because only its arithmetic is the device's: a batch normalisation
that is folded later scales the weights, and with them their grids. It imitates the student that it
was, whose answers the labels and the teacher have shaped already: KL(float || int8) of the softened
answers, and the mean squared distance of the tokens in parts of their variance. Ranges begin where
the float student's values on drawn training windows lie, and learn with the weights.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.learn.grids import Ranges, grids

if TYPE_CHECKING:
    from trainer.models.student import Student
from trainer.learn.lesson import Data, Lesson

# Windows that the first ranges come from, and the share of values left out at each end: one large
# value must not cost all others their precision.
_OBSERVED, _LEFT_OUT = 1024, 3e-5
_TEMPERATURE = 2.0


class Imitate(Lesson):
    """The loss of the module's docstring; what is imitated stays as it is."""

    model: "Student"
    # Sums have to be exact to be rounded as on the device.
    mixed_precision = False

    def __init__(self, student: "Student", imitated: "Student") -> None:
        super().__init__()
        self.model = student
        # In a tuple, so that it is no submodule: it does not learn and is not kept.
        self._imitated = (imitated.eval(),)

    def forward(self, inputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        (imitated,) = self._imitated
        with torch.no_grad():
            wanted = imitated.tokens(*inputs)
            answers = functional.log_softmax(imitated.classify(wanted) / _TEMPERATURE, 1)
        tokens = self.model.tokens(*inputs)
        softened = functional.log_softmax(self.model.classify(tokens) / _TEMPERATURE, 1)
        divergence = functional.kl_div(softened, answers, reduction="batchmean", log_target=True)
        distance = functional.mse_loss(tokens, wanted) / wanted.var()
        return _TEMPERATURE**2 * divergence + distance


def observed_ranges(student: "Student", data: Data) -> Ranges:
    """Where every point's values lie on drawn training windows; a fixed point's range is its own.

    A point whose values are all 0 gets a range that is as good as any.
    """
    rng = np.random.default_rng(data.seed)
    chosen = rng.permutation(len(data.drawer))[:_OBSERVED]
    inputs = data.drawer.draw(chosen, rng).inputs
    ranges: Ranges = {}
    hooks = []
    for name, grid in grids(student).items():

        def look(_: nn.Module, __: object, values: Tensor, name: str = name) -> None:
            array = values.cpu().numpy()
            low, high = np.quantile(array, [_LEFT_OUT, 1 - _LEFT_OUT]).astype(np.float32)
            span = min(float(low), 0.0), max(float(high), 0.0)
            ranges[name] = span if span[0] < span[1] else (0.0, 1.0)

        if grid.fixed is None:
            hooks.append(grid.register_forward_hook(look))
        else:
            ranges[name] = grid.fixed
    student.eval()
    device = next(student.parameters()).device
    with torch.no_grad():
        student(*(torch.from_numpy(values).to(device) for values in inputs.values()))
    for hook in hooks:
        hook.remove()
    return ranges
