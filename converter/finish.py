"""The converter's half of the model card: the int8 form of inputs and outputs, ranges, the file."""

from converter.quantising.ranges import Ranges
from midfuse.core.card import ModelCard, TFLite, device_arithmetic
from midfuse.core.tflite_file import TFLiteModel


def finish_card(card: ModelCard, model: TFLiteModel, ranges: Ranges) -> ModelCard:
    """The trainer's card completed for `model`; inputs and outputs are in the card's order."""
    inputs = []
    for entry, index in zip(card.inputs, model.inputs, strict=True):
        tensor = model.tensors[index]
        scale, zero_point = float(tensor.scale), tensor.zero_point
        gain, offset = device_arithmetic(entry.mean, entry.std, scale, zero_point)
        inputs.append(
            entry.model_copy(
                update={
                    "shape": list(tensor.shape),
                    "dtype": "int8",
                    "tensor": tensor.name,
                    "scale": scale,
                    "zero_point": zero_point,
                    "gain": gain,
                    "offset": offset,
                }
            )
        )
    outputs = []
    for output, index in zip(card.outputs, model.outputs, strict=True):
        tensor = model.tensors[index]
        outputs.append(
            output.model_copy(
                update={
                    "shape": list(tensor.shape),
                    "dtype": "int8",
                    "tensor": tensor.name,
                    "scale": float(tensor.scale),
                    "zero_point": tensor.zero_point,
                }
            )
        )
    return card.model_copy(
        update={
            "inputs": inputs,
            "outputs": outputs,
            "activation_ranges": ranges,
            "tflite": TFLite(file=model.path.name, sha256=model.sha256),
        }
    )
