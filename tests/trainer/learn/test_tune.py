"""The grids that a student is tuned on: the device's, to the bit, with gradients that learn."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from midfuse.core.numeric import dequantise, grid, quantise
from tests.trainer.models.test_student import trained_a_little
from trainer.learn.grids import (
    SOFTMAX,
    ChannelGrid,
    ConstantGrid,
    Grid,
    grids,
    on_grid,
    plain_weights,
    put_on_grids,
    trained_ranges,
)
from trainer.models.student import Student

CONFIG: dict[str, object] = {"channels": [3, 2], "length": 40, "classes": 4, "width": 8}

floats = st.floats(0, 100, width=32)
values = hnp.arrays(np.float32, st.integers(1, 60), elements=st.floats(-200, 200, width=32))


@settings(max_examples=200, deadline=None)
@given(values, floats, floats, st.booleans())
def test_a_grid_is_quantising_and_back_to_the_bit(
    x: npt.NDArray[np.float32], below: float, high: float, halves: bool
) -> None:
    low = -below
    scale, zero_point = grid(low, high)
    if halves:
        # Between two codes, where rounding decides.
        x = ((np.rint(x) + np.float32(0.5)) * scale).astype(np.float32)
    with torch.no_grad():
        found = on_grid(torch.from_numpy(x), torch.tensor(low), torch.tensor(high)).numpy()
    expected = dequantise(quantise(x, scale, zero_point), scale, zero_point)
    np.testing.assert_array_equal(found, expected)


def multiplied(total: int, fraction: int, exponent: int) -> int:
    """TFLite's MultiplyByQuantizedMultiplier, in whole numbers; halves go away from 0."""

    def divided(value: int, by: int) -> int:
        size = (2 * abs(value) + by) // (2 * by)
        return size if value >= 0 else -size

    left, right = max(exponent, 0), max(-exponent, 0)
    return divided(divided((total << left) * fraction, 1 << 31), 1 << right)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(-200_000, 200_000), min_size=1, max_size=30),
    st.floats(2**-19, 2**-6, width=32),
    st.floats(1, 200, width=32),
    st.integers(1, 40),
)
def test_sums_are_requantised_as_the_kernels_do(
    totals: list[int], unit: float, span: float, terms: int
) -> None:
    low, high = np.float32(-span / 2), np.float32(span / 2)
    scale, zero_point = grid(float(low), float(high))
    # What TFLite makes of a mean: the fraction shifted and divided, the exponent less the shift.
    mantissa, exponent = np.frexp(unit / float(scale))
    shift = terms.bit_length() - 1
    fraction = (round(mantissa * 2**31) << shift) // terms
    assume(fraction < 2**31)
    expected = [multiplied(total, fraction, int(exponent) - shift) for total in totals]
    codes = np.clip(np.array(expected) + zero_point, -128, 127)
    x = torch.tensor([total * unit / terms for total in totals], dtype=torch.float64)
    found = on_grid(
        x, torch.tensor(low), torch.tensor(high), torch.tensor(unit, dtype=torch.float64), terms
    )
    found_codes = np.rint(found.numpy() / float(scale)) + zero_point
    np.testing.assert_array_equal(found_codes, codes)


def test_gradients_go_straight_through_and_to_the_ends() -> None:
    # Steps of 0.01, code 0 for 0: 0.4 and 1.6 steps, and one value beyond each end.
    x = torch.tensor([0.004, 0.016, 5.0, -5.0], requires_grad=True)
    low, high = (torch.tensor(v, requires_grad=True) for v in (-1.28, 1.27))
    (on_grid(x, low, high) * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.tolist() == [1, 2, 0, 0]
    # Rounding moved the first by -0.4 steps, the second by +0.4.
    by_scale = 1 * -0.4 + 2 * 0.4
    assert low.grad is not None
    assert high.grad is not None
    assert high.grad.item() == pytest.approx((3 + by_scale / 255) / np.sqrt(127 * 4), rel=1e-4)
    assert low.grad.item() == pytest.approx((4 - by_scale / 255) / np.sqrt(127 * 4), rel=1e-4)


def test_ends_learn_and_one_at_zero_stays_there() -> None:
    # Values up to 1 on a range up to 0.5: the error falls as the high end rises.
    x = torch.linspace(0, 1, 101)
    point = Grid()
    point.span(0.0, 0.5)
    optimiser = torch.optim.AdamW(point.parameters(), 1e-4)
    for _ in range(300):
        optimiser.zero_grad()
        (point(x) - x).square().mean().backward()
        optimiser.step()
    low, high = (end.item() for end in point.ends())
    assert low == 0
    assert high == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 8)])
def test_weights_are_on_a_symmetric_grid_a_channel(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, requires_grad=True)
    rounded = ChannelGrid()(weight)
    for row, exact in zip(rounded.detach(), weight.detach(), strict=True):
        step = exact.abs().max() / 127
        codes = row / step
        torch.testing.assert_close(codes, codes.round(), rtol=0, atol=1e-4)
        assert codes.abs().max().round() == 127
        assert (row - exact).abs().max() <= 0.501 * step
    rounded.sum().backward()
    assert weight.grad is not None
    assert (weight.grad == 1).all()


def test_a_constant_is_on_the_grid_that_spans_it() -> None:
    constant = torch.randn(3, 4, requires_grad=True)
    array = constant.detach().numpy()
    step = grid(array.min(), array.max())
    rounded = ConstantGrid()(constant)
    np.testing.assert_array_equal(rounded.detach(), dequantise(quantise(array, *step), *step))
    rounded.sum().backward()
    assert constant.grad is not None
    assert (constant.grad == 1).all()


def wide_ranges(student: Student) -> dict[str, tuple[float, float]]:
    return {name: point.fixed or (-8.0, 8.0) for name, point in grids(student).items()}


def test_a_student_on_grids_rounds_and_off_them_it_is_as_before() -> None:
    student, inputs = trained_a_little(CONFIG)
    folded = student.fold()
    with torch.no_grad():
        exact = folded(*inputs)
        torch.testing.assert_close(exact, student(*inputs), rtol=1e-4, atol=1e-4)
        put_on_grids(folded, wide_ranges(folded))
        rounded = folded(*inputs)
        assert not torch.equal(rounded, exact)
        codes = rounded.double() / (16 / 255)
        torch.testing.assert_close(codes, codes.round(), rtol=0, atol=1e-4)
        # One window at a time, as it is deployed, it still rounds everywhere.
        alone = torch.cat([folded.deploy()(*(x[:1] for x in inputs))])
        torch.testing.assert_close(alone, rounded[:1], rtol=0, atol=0.1)
        fresh = Student(**CONFIG, folded=True).eval()  # type: ignore[arg-type]
        fresh.load_state_dict(plain_weights(folded))
        assert torch.equal(fresh(*inputs), exact)
    assert set(grids(fresh)) == set(grids(student.deploy()))


def test_everything_that_should_learns() -> None:
    student, inputs = trained_a_little(CONFIG)
    folded = student.fold()
    put_on_grids(folded, wide_ranges(folded))
    folded(*inputs).square().mean().backward()
    for name, parameter in folded.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
    for name, point in grids(folded).items():
        learns = any(parameter.grad is not None for parameter in point.parameters())
        assert learns == (not name.endswith(".weights")), name
    ranges = trained_ranges(folded)
    assert ranges["blocks.0.temporal.grid.weights"] == SOFTMAX
    assert ranges["grid.logits"] == (-8.0, 8.0)


def test_a_point_without_a_range_changes_nothing() -> None:
    x = torch.randn(5)
    assert Grid()(x) is x
