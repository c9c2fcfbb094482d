"""Models of many independent random ops, and how many of these are distinct."""

from pathlib import Path

from midfuse.core.tflite_file import TFLiteModel, parse_tflite
from tests.firmware_tools.compiler.cases import CASES
from tests.firmware_tools.compiler.cases.strategies import Draw
from tests.support.tflite_builder import TFLiteBuilder


def independent_ops(kinds: list[str], draw: Draw, seen: set[int]) -> TFLiteModel:
    """One random instance of each of these kinds of op, side by side in a model; what makes each
    one differ from others goes into `seen`."""
    b = TFLiteBuilder()
    for kind in kinds:
        tensors, ops = len(b.tensors), len(b.ops)
        CASES[kind](b, draw)
        seen.add(hash(_instance(b, tensors, ops)))
    if not b.inputs:  # a model must have one
        b.op("RELU", [b.input((4,), 0.5, 0)], b.tensor((4,), 0.5, 0))
    return parse_tflite(b.content(), Path(f"{kinds[0]}.tflite"))


def _instance(b: TFLiteBuilder, tensors: int, ops: int) -> str:
    """Shapes, types, scales, constants and options of what was added since."""
    parts = [
        (t.shape, t.type, t.quantization and vars(t.quantization), b.constant(t.buffer))
        for t in b.tensors[tensors:]
    ]
    return repr((parts, [vars(op.builtinOptions) for op in b.ops[ops:] if op.builtinOptions]))
