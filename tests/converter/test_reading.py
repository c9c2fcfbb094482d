"""What the converter reads: models of any kind and shape, and the windows that go with them."""

import io
import warnings

import onnx
import torch
from torch import Tensor, nn

from converter.reading.onnx_file import module_of


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(4, 4)
        self.net = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Hardswish())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(self.query(x).softmax(-1)) * 2
        return y


class Blocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x.tanh()


def test_nodes_name_the_module_that_made_them() -> None:
    """Against the exporter itself: every module that computes is named, by its path."""
    file = io.BytesIO()
    model = Blocks().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(1, 3, 4),), file, dynamo=False, opset_version=17)
    nodes = onnx.load_from_string(file.getvalue()).graph.node
    found = {(node.op_type, module_of(node.name)) for node in nodes}
    assert {name for op, name in found if op == "MatMul"} == {
        name for name, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    assert {name for op, name in found if op == "Relu"} == {
        name for name, module in model.named_modules() if isinstance(module, nn.ReLU)
    }
    assert ("Softmax", "blocks.1") in found
    assert ("Tanh", None) in found
    for name in ("MatMul_12", "model/dense/MatMul", "/Relu", "", "/"):
        assert module_of(name) is None
