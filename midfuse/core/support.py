"""Whether the runtime can compute a model: its ops, and the types that they are on."""

from collections.abc import Mapping
from itertools import product

from midfuse.core.errors import InputError
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import TFLiteModel


def check_ops(model: TFLiteModel, where: str, made_by: Mapping[str, str] | None = None) -> None:
    """Refuse a model with an op that the runtime lacks; `where` names the model to the user,
    `made_by` says what made a tensor, by its name.

    Raises:
        InputError: names the first such op.
    """
    for op in model.ops:
        if op.name not in OPS:
            made = model.tensors[op.outputs[0]].name if op.outputs else "nothing"
            made = (made_by or {}).get(made, f"makes {made[:60]}")
            raise InputError(
                f"{where}: op {op.index} ({op.name}, {made}) is not supported",
                "use only the ops of docs/ops.md",
            )


def check_support(model: TFLiteModel, where: str) -> None:
    """Refuse a model with an op that the runtime lacks, or one on types that it lacks.

    Raises:
        InputError: names the first such op, the tensor and what would do.
    """
    check_ops(model, where)
    for op in model.ops:
        support = OPS[op.name]
        data = [model.tensors[i] for i in op.inputs[support.data : support.data + 1] if i >= 0]
        outputs = [model.tensors[i] for i in op.outputs]
        for x, out in product(data, outputs):
            if (x.dtype, out.dtype) in support.pairs:
                continue
            wrong = out if x.dtype in {taken for taken, _ in support.pairs} else x
            raise InputError(
                f"{where}: op {op.index} ({op.name}): tensor {wrong.name[:60]} is {wrong.dtype}, "
                f"{op.name} is supported on {', '.join(support.forms)}",
                "quantise the whole model to int8 (midfuse convert does)",
            )
