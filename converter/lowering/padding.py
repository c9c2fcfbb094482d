"""What surrounds the operand of a maximum, made a number that a range can hold.

A MAX_POOL over edges comes from onnx2tf with a PADV2 before it, filled with the lowest float there
is. Any number will do that is never above a value beside it: here the lowest one that the
calibration windows bring there, which in int8 is the lowest code, whatever comes later.
"""

import numpy as np

from converter.lowering.float_graph import FloatGraph
from converter.lowering.float_model import FloatModel
from converter.reading.windows import Windows
from midfuse.core.tflite_file import TFLiteModel

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
    graph = FloatGraph(model)
    for index, value in lowest.items():
        graph.set_constant(index, 2, np.array(value, np.float32))
    return graph.model()


def _is_lowest(model: TFLiteModel, index: int) -> bool:
    data = model.tensors[index].data
    return data is not None and bool((data <= _LOWEST).all())
