"""The float `.tflite` under the ordinary TFLite interpreter, every tensor readable.

Without delegates: XNNPACK would fuse ops away and prints as it starts.
"""

from collections.abc import Iterator

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converter.reading.windows import FloatArray
from midfuse.core.tflite_file import TFLiteModel


class FloatModel:
    """One float model; `run` a window, then read any `tensor` of it by index."""

    def __init__(self, model: TFLiteModel) -> None:
        self._model = model
        self._interpreter = Interpreter(
            model_content=model.content,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        self._interpreter.allocate_tensors()

    def run(self, window: list[FloatArray]) -> list[FloatArray]:
        """One inference: the inputs in model order, batch axis 1 in front; so the outputs."""
        for index, values in zip(self._model.inputs, window, strict=True):
            self._interpreter.set_tensor(index, values)
        self._interpreter.invoke()
        return [self.tensor(index) for index in self._model.outputs]

    def tensor(self, index: int) -> FloatArray:
        """A tensor's value after `run`."""
        value: FloatArray = self._interpreter.get_tensor(index)
        return value


def activations(model: TFLiteModel) -> Iterator[int]:
    """The indices of the float tensors that an inference computes, model inputs first."""
    yield from model.inputs
    for op in model.ops:
        for index in op.outputs:
            if model.tensors[index].dtype == "float32":
                yield index
