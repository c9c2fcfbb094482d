"""What teacher and student are compared with: what is fused where, sizes, and that it learns."""

import pytest
import torch
from torch import Tensor, nn

from tests.trainer import paces
from trainer.learn.distil import Labels
from trainer.models.baselines import BASELINES, CNN, EarlyFusion, LateFusion, baseline
from trainer.models.macs import network_macs
from trainer.models.student import Student
from trainer.models.teacher import JointEncoder, Teacher
from trainer.run.figures import score
from trainer.run.fit import Schedule, fit, predict, reproducible

# Two sensors and a skeleton of four joints.
CHANNELS, LENGTH, CLASSES, JOINTS = [3, 2, 12], 64, 5, [0, 0, 4]


def windows(many: int) -> list[Tensor]:
    return [torch.randn(many, LENGTH, c) for c in CHANNELS]


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", BASELINES)
def test_every_channel_reaches_the_logits(name: str) -> None:
    torch.manual_seed(0)
    model = baseline(name, CHANNELS, LENGTH, CLASSES, JOINTS).eval()
    inputs = [x.requires_grad_() for x in windows(7)]
    logits = model(*inputs)
    assert logits.shape == (7, CLASSES)
    logits.square().sum().backward()
    for x in inputs:
        assert x.grad is not None
        assert (x.grad.abs().amax((0, 1)) > 0).all()


def test_they_are_of_the_teachers_order() -> None:
    shape = ([3, 3], 128, 6, [0, 0])
    teacher = parameters(Teacher(*shape))
    size = {name: parameters(baseline(name, *shape)) / teacher for name in BASELINES}
    assert 0.5 < size["cnn"] < 1
    assert 0.8 < size["deepconvlstm"] < 1.5
    assert 0.8 < size["early_fusion"] < 1
    assert 1.6 < size["late_fusion"] < 2


def test_of_one_modality_early_and_late_fusion_are_the_teacher() -> None:
    teacher = Teacher([3], LENGTH, CLASSES, [0]).eval()
    early = EarlyFusion(3, LENGTH, CLASSES).eval()
    early.network.load_state_dict(teacher.state_dict())
    late = LateFusion([3], LENGTH, CLASSES, [0]).eval()
    late.networks[0].load_state_dict(teacher.state_dict())
    x = torch.randn(7, LENGTH, 3)
    torch.testing.assert_close(early(x), teacher(x))
    torch.testing.assert_close(late(x), teacher(x))


def test_late_fusion_is_the_mean_of_networks_that_see_one_modality_each() -> None:
    model = LateFusion(CHANNELS, LENGTH, CLASSES, JOINTS).eval()
    inputs, others = windows(7), windows(7)
    each = [network(x) for network, x in zip(model.networks, inputs, strict=True)]
    torch.testing.assert_close(model(*inputs), torch.stack(each).mean(0))
    changed = model(*inputs[:2], others[2]) - model(*inputs)
    of_skeleton = list(model.networks)[2]
    torch.testing.assert_close(changed, (of_skeleton(others[2]) - each[2]) / 3)
    assert any(isinstance(part, JointEncoder) for part in of_skeleton.modules())


@pytest.mark.parametrize("name", ["cnn", "deepconvlstm"])
def test_they_learn(name: str) -> None:
    reproducible(0)
    given = paces.data()
    assert given.validation is not None
    model = baseline(name, [3, 2], 64, 3, [0, 0])
    fit(Labels(model, 0.1), given, Schedule(10, batch=16), name)
    found = predict(model, given.validation.inputs).argmax(1)
    # Three paces, clearly apart: a third is chance.
    assert score(found, given.validation, 3).accuracy > 0.6


def test_macs_of_the_teacher_count_its_attention() -> None:
    """By hand, for one sensor: segments S, width D, and one token a segment in space."""
    s, d = 14, 48
    attention = 4 * d * d  # the maps of a token; and of a query, both products with S tokens
    spatial, temporal = s * (attention + 2 * d), s * (attention + 2 * s * d)
    feed_forward = s * 4 * d * d
    encoder = 31 * 8 * 3 * d + s * 4 * d * d
    fusion = s * d * d + temporal + feed_forward + s * d  # the last: what a segment weighs
    expected = encoder + 2 * (spatial + temporal + feed_forward) + fusion + 6 * d
    assert network_macs(Teacher([3], 128, 6, [0]), [3], 128) == expected


def test_macs_of_the_two_usual_networks() -> None:
    cnn = 128 * (7 * 5 * 64 + 5 * 64 * 128 + 3 * 128 * 64) + 64 * 6
    assert network_macs(CNN(5, 6), [3, 2], 128) == cnn
    convolutions = 124 * 5 * 5 * 64 + (120 + 116 + 112) * 5 * 64 * 64
    lstm = 112 * 2 * 4 * 64 * (64 + 64)
    model = baseline("deepconvlstm", [3, 2], 128, 6, [0, 0])
    assert network_macs(model, [3, 2], 128) == convolutions + lstm + 64 * 6


def test_counting_leaves_the_model_as_it_was() -> None:
    model = Student([3, 2], 64, 3, width=16, blocks=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network_macs(model, [3, 2], 64)
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
