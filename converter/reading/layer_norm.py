"""LayerNormalization as the ops that it stands for.

onnxruntime computes the variance as E[x^2] - E[x]^2, which leaves nothing of it where the mean is
large; PyTorch and TFLite subtract the mean first. Opened up, onnxruntime does so too.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper


def open_layer_norms(model: onnx.ModelProto) -> None:
    """Open up, in place, every LayerNormalization over the last axis that gives nothing beside its
    output, which keeps its name."""
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for index, node in enumerate(nodes):
        attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        last_axis = node.op_type == "LayerNormalization" and attributes.get("axis", -1) == -1
        if not last_axis or any(node.output[1:]):
            model.graph.node.append(node)
            continue
        mark = f"midfuse_norm_{index}"
        epsilon = np.array(attributes.get("epsilon", 1e-5), np.float32)
        model.graph.initializer.append(numpy_helper.from_array(epsilon, f"{mark}_epsilon"))
        model.graph.initializer.append(numpy_helper.from_array(np.array([-1]), f"{mark}_axes"))
        model.graph.node.extend(_steps(node, mark, axes_as_input=opset >= 18))


def _steps(node: onnx.NodeProto, mark: str, *, axes_as_input: bool) -> Iterator[onnx.NodeProto]:
    def mean(source: str, target: str) -> onnx.NodeProto:
        if axes_as_input:
            return helper.make_node("ReduceMean", [source, f"{mark}_axes"], [target], keepdims=1)
        return helper.make_node("ReduceMean", [source], [target], axes=[-1], keepdims=1)

    x, gain, *bias = (name for name in node.input if name)
    output = node.output[0]
    yield mean(x, f"{mark}_mean")
    yield helper.make_node("Sub", [x, f"{mark}_mean"], [f"{mark}_difference"])
    yield helper.make_node("Mul", [f"{mark}_difference"] * 2, [f"{mark}_square"])
    yield mean(f"{mark}_square", f"{mark}_variance")
    yield helper.make_node("Add", [f"{mark}_variance", f"{mark}_epsilon"], [f"{mark}_sum"])
    yield helper.make_node("Sqrt", [f"{mark}_sum"], [f"{mark}_deviation"])
    yield helper.make_node("Div", [f"{mark}_difference", f"{mark}_deviation"], [f"{mark}_unit"])
    scaled = f"{mark}_scaled" if bias else output
    yield helper.make_node("Mul", [f"{mark}_unit", gain], [scaled])
    if bias:
        yield helper.make_node("Add", [scaled, bias[0]], [output])
