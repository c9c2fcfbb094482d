"""Damaged and altered `.tflite` files, and a process of its own that compiles them.

    python -m tests.support.mutants FIRST COUNT MODELS OUT

compiles the mutants FIRST, FIRST + 1, … of the models in a folder. For each it prints its number,
then `compiled`, and OUT/NUMBER has the C; or `refused` and the error in one line. A mutant that
takes more than 5 s of the processor, or the process more than 1 GB, or anything but an `InputError`
raised, ends the process.
"""

import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np

from firmware_tools.compiler import compile_model
from firmware_tools.compiler.variants import InstructionSet
from midfuse.core.errors import InputError
from midfuse.core.tflite_file import parse_tflite
from tests.support.tflite_builder import schema

SECONDS, BYTES = 5, 1 << 30
_INTEGERS = (0, 1, -1, 2, 3, 5, 7, 127, 128, 255, 256, 32768, 65536, 2**31 - 1, -(2**31))
_REALS = (0.0, -1.0, 1.0, float("nan"), float("inf"), 1e-45, 1e-30, 1e-9, 1e9, 3e38)


def mutant(models: list[Path], number: int) -> bytes:
    """Mutant `number` of these models; the same number gives the same bytes."""
    rng = random.Random(number)
    content = rng.choice(models).read_bytes()
    return _damaged(content, rng) if number % 3 == 0 else _altered(content, rng)


def _damaged(content: bytes, rng: random.Random) -> bytes:
    """Flipped bytes, most of them outside the large weight buffers; cut ends."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        low = 0 if rng.random() < 0.3 else max(0, len(found) - 9000)
        found[rng.randrange(low, len(found))] = rng.randrange(256)
    if rng.random() < 0.2:
        del found[rng.randrange(len(found)) :]
    return bytes(found)


def _altered(content: bytes, rng: random.Random) -> bytes:
    """A file of sound structure whose fields do not fit each other."""
    while True:
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            rng.choice(_ALTERATIONS)(model, rng)
        builder = flatbuffers.Builder(1024)
        try:
            builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        except Exception:  # a number that its field cannot hold
            continue
        return bytes(builder.Output())


def _tensor(model: Any, rng: random.Random) -> None:
    tensor = rng.choice(model.subgraphs[0].tensors)
    quantization = tensor.quantization
    if quantization is not None and rng.random() < 0.5:
        field = rng.choice(["scale", "zeroPoint", "quantizedDimension"])
        setattr(quantization, field, _other(getattr(quantization, field), rng))
    else:
        field = rng.choice(["shape", "shape", "type", "buffer", "quantization"])
        setattr(tensor, field, _other(getattr(tensor, field), rng))


def _operator(model: Any, rng: random.Random) -> None:
    op = rng.choice(model.subgraphs[0].operators)
    if op.builtinOptions is not None and vars(op.builtinOptions) and rng.random() < 0.5:
        field = rng.choice(list(vars(op.builtinOptions)))
        setattr(op.builtinOptions, field, _other(getattr(op.builtinOptions, field), rng))
    else:
        field = rng.choice(["inputs", "outputs", "opcodeIndex", "builtinOptions"])
        setattr(op, field, _other(getattr(op, field), rng))


def _code(model: Any, rng: random.Random) -> None:
    """Another of the first hundred ops, so that many are ops that there are."""
    code = rng.choice(model.operatorCodes)
    code.builtinCode = code.deprecatedBuiltinCode = rng.randrange(100)


def _constant(model: Any, rng: random.Random) -> None:
    """Small buffers, which hold axes and shapes, are altered as numbers."""
    buffers = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    if not buffers:
        return
    buffer = rng.choice(sorted(buffers, key=lambda each: len(each.data))[: rng.choice([9, 999])])
    data = np.array(buffer.data, np.uint8)
    if rng.random() < 0.2:
        buffer.data = data[: rng.randrange(len(data))]
    elif len(data) % 4 == 0:
        numbers = _other(data.view(np.int32).tolist(), rng)
        buffer.data = np.array(numbers, np.int64).astype(np.int32).view(np.uint8)
    else:
        data[rng.randrange(len(data))] = rng.randrange(256)
        buffer.data = data


def _graph(model: Any, rng: random.Random) -> None:
    graph = model.subgraphs[0]
    field = rng.choice(["inputs", "outputs", "operators", "operators", "tensors"])
    entries = list(getattr(graph, field))
    if not entries:
        return
    a, b = rng.randrange(len(entries)), rng.randrange(len(entries))
    change = rng.randrange(3)
    if change == 0:
        entries[a], entries[b] = entries[b], entries[a]
    elif change == 1:
        del entries[a]
    else:
        entries.insert(b, entries[a])
    setattr(graph, field, entries)


_ALTERATIONS = (_tensor, _tensor, _tensor, _operator, _operator, _code, _constant, _graph)


def _other(value: Any, rng: random.Random) -> Any:
    """Another value in the place of this one: near it, or at an end of what there can be."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([*_INTEGERS, value + 1, value - 1, 2 * value, -value, rng.randrange(20)])
    if isinstance(value, float):
        return rng.choice([*_REALS, 2 * value, value / 2, value * 1.1])
    if isinstance(value, list) and value:
        at, change = rng.randrange(len(value)), rng.randrange(5)
        if change == 0:
            return [*value[:at], *value[at + 1 :]]
        if change == 1:
            return [*value[:at], value[at], *value[at:]]
        return [*value[:at], _other(value[at], rng), *value[at + 1 :]]
    return None


def _compile(models: list[Path], number: int, out: Path) -> str:
    try:
        model = parse_tflite(mutant(models, number), Path(f"{number}.tflite"))
        compile_model(model, out)
        for instruction_set in (InstructionSet.DSP, InstructionSet.MVE):
            compile_model(model, out / instruction_set.value, instruction_set=instruction_set)
    except InputError as error:
        return f"refused {error}"
    return "compiled"


def main(first: int, count: int, models: Path, out: Path) -> None:
    paths = sorted(models.glob("*.tflite"))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    for number in range(first, first + count):
        print(number, end=" ", flush=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        print(_compile(paths, number, out / str(number)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
