"""The student: what is deployed is what was trained, and it leaves PyTorch as promised."""

import json
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.models.student import Normed, Student


def trained_a_little(config: dict[str, object]) -> tuple[Student, list[torch.Tensor]]:
    """A student whose batch norms have seen data, and inputs for it."""
    torch.manual_seed(0)
    student = Student(**config)  # type: ignore[arg-type]
    channels: list[int] = config["channels"]  # type: ignore[assignment]
    inputs = [3 * torch.randn(32, student.length, c) + 1 for c in channels]
    optimiser = torch.optim.SGD(student.parameters(), 0.1)
    for _ in range(5):
        student(*inputs).square().mean().backward()
        optimiser.step()
    return student.eval(), inputs


shapes = st.fixed_dictionaries(
    {
        "channels": st.lists(st.integers(1, 6), min_size=1, max_size=4),
        "length": st.integers(20, 70),
        "classes": st.integers(2, 9),
        "width": st.sampled_from([8, 12]),
        "blocks": st.integers(0, 2),
    }
)


@settings(max_examples=25, deadline=None)
@given(shapes)
def test_the_deployed_student_is_the_same_function(config: dict[str, object]) -> None:
    # In float64, so that a channel of hardly any variance, whose norm amplifies, costs no digits.
    trained, windows = trained_a_little(config)
    student, inputs = trained.double(), [x.double() for x in windows]
    deployed = student.deploy()
    assert not any(isinstance(module, Normed) for module in deployed.modules())
    with torch.no_grad():
        expected = student(*inputs)
        alone = torch.cat([deployed(*(x[i : i + 1] for x in inputs)) for i in range(len(expected))])
    assert expected.shape == (32, config["classes"])
    torch.testing.assert_close(alone, expected, rtol=1e-9, atol=1e-9)


def test_deploying_leaves_the_student_as_it_was() -> None:
    student, _ = trained_a_little({"channels": [3, 3], "length": 128, "classes": 7})
    before = {name: value.clone() for name, value in student.state_dict().items()}
    student.deploy()
    after = student.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_card_and_a_checkpoint_rebuild_it() -> None:
    (entry,) = entry_points(group="midfuse.architectures", name="dmft-student")
    assert entry.load() is Student
    config = {"channels": [3, 2], "length": 64, "classes": 4, "width": 12}
    student, inputs = trained_a_little(config)
    again = entry.load()(**json.loads(json.dumps(config)))
    again.load_state_dict(student.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(*inputs), student(*inputs))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_export_computes_the_same_and_needs_few_ops(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the [convert] extra")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the [convert] extra")
    student, inputs = trained_a_little({"channels": [3, 3], "length": 128, "classes": 7})
    one = tuple(x[:1] for x in inputs)
    path = tmp_path / "student.onnx"
    torch.onnx.export(
        student.deploy(),
        one,
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["acc", "gyro"],
        output_names=["logits"],
    )
    # Each has an int8 counterpart in TFLite that the firmware runs; LayerNorm's square root, GELU's
    # Erf or a division would show up here.
    assert {node.op_type for node in onnx.load(path).graph.node} <= {
        "Add", "Concat", "Constant", "Conv", "Gemm", "MatMul", "ReduceMean", "Relu", "Reshape",
        "Softmax", "Transpose",
    }  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {name: x.numpy() for name, x in zip(["acc", "gyro"], one, strict=True)}
    (logits,) = session.run(None, feeds)
    with torch.no_grad():
        np.testing.assert_allclose(logits, student(*one).numpy(), rtol=1e-4, atol=1e-5)
