"""Multiply-accumulates of a model's operators: the work that kernels are judged by.

Counted as the field does, from the shapes: a tap in the padding counts like any other.
"""

from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, TFLiteModel


def op_macs(model: TFLiteModel, op: Op) -> int:
    """Multiply-accumulates of one operator; 0 for all but matrix products and convolutions.

    Filters are laid out as in the schema: (out, height, width, in) of CONV_2D and TRANSPOSE_CONV,
    (1, height, width, out) of DEPTHWISE_CONV_2D, (out, in) of FULLY_CONNECTED.
    """
    output = model.tensors[op.outputs[0]]
    if op.name == "BATCH_MATMUL":
        left = model.tensors[op.inputs[0]].shape
        return output.elements * left[-2 if op.options.get("adj_x") else -1]
    axis = OPS[op.name].channel_axis if op.name in OPS else None
    if axis is None:
        return 0
    filters = model.tensors[op.inputs[1]]
    if op.name == "TRANSPOSE_CONV":  # every input element meets every tap
        return model.tensors[op.inputs[2]].elements * filters.elements // filters.shape[3]
    return output.elements * (filters.elements // filters.shape[axis])


def model_macs(model: TFLiteModel) -> int:
    """Multiply-accumulates of one inference."""
    return sum(op_macs(model, op) for op in model.ops)
