"""What surrounds the operand of a maximum, made a number that a range can hold.

A MAX_POOL over edges comes from onnx2tf with a PADV2 before it, filled with the lowest float there
is. Any number will do that is never above a value beside it: here the lowest one that the
calibration windows bring there, which in int8 is the lowest code, whatever comes later.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from converter.lowering.float_model import FloatModel
from converter.reading.windows import Windows
from midfuse.tflite_file import TFLiteModel, parse_tflite

_LOWEST = np.finfo(np.float32).min


def settle_padding(model: TFLiteModel, windows: Windows) -> TFLiteModel:
    """The model with finite fill values; itself where there is nothing to settle."""
    pads = [op for op in model.ops if op.name == "PADV2" and _is_lowest(model, op.inputs[2])]
    if not pads:
        return model
    lowest = dict.fromkeys((op.index for op in pads), 0.0)
    interpreter = FloatModel(model)
    for at in range(len(windows)):
        interpreter.run(windows.window(at))
        for op in pads:
            values = interpreter.tensor(op.inputs[0])
            # Where a padded tensor is padded again, the first padding is no value.
            here = float(values.min(where=values > _LOWEST, initial=0))
            lowest[op.index] = min(lowest[op.index], here)
    flat = flatbuffer_utils.read_model_from_bytearray(bytearray(model.content))
    graph = flat.subgraphs[0]
    for op in pads:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.float32(lowest[op.index]).tobytes(), np.uint8)
        flat.buffers.append(buffer)
        # A tensor of its own: others may be padded with the same constant.
        fill = schema.TensorT()
        fill.name = f"{model.tensors[op.outputs[0]].name}/fill".encode()
        fill.type, fill.shape, fill.buffer = schema.TensorType.FLOAT32, [], len(flat.buffers) - 1
        graph.tensors.append(fill)
        graph.operators[op.index].inputs = [*op.inputs[:2], len(graph.tensors) - 1]
    return parse_tflite(bytes(flatbuffer_utils.convert_object_to_bytearray(flat)), model.path)


def _is_lowest(model: TFLiteModel, index: int) -> bool:
    data = model.tensors[index].data
    return data is not None and bool((data <= _LOWEST).all())
