"""How much of a model is alive at once: what an arena has to hold."""

from midfuse.core.tflite_file import Op, TFLiteModel


def peak_activations(model: TFLiteModel) -> tuple[int, Op]:
    """The most bytes of activations alive at one op, and that op; the model must have one.

    Ops run in the file's order, an op's inputs and outputs are all alive while it runs, model
    outputs until the end. An arena is larger by what the interpreter keeps beside the tensors and
    by gaps between them, or smaller where a compiler lets ops work in place or in another order.
    """
    last = {index: op.index for op in model.ops for index in op.inputs}
    last |= dict.fromkeys(model.outputs, len(model.ops))
    alive, peak, at = set(model.inputs), 0, model.ops[0]
    for op in model.ops:
        alive |= set(op.outputs)
        total = sum(model.tensors[index].bytes for index in alive)
        if total > peak:
            peak, at = total, op
        alive = {index for index in alive if last.get(index, -1) > op.index}
    return peak, at
