"""Writes every model of the zoo into a folder: `NAME.tflite`, int8, and a window for it.

Those that tensorflow converts so are also there with int16 activations: `int16/NAME.tflite`.

    python -m benchmarks.zoo.write FOLDER

A program of its own, because tensorflow takes seconds to import and a gigabyte to convert.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks.zoo import INT16
from benchmarks.zoo.models import MODELS

CALIBRATION_WINDOWS = 24
# Which ops the converter may use, and the type of a model's inputs and outputs.
_INT8 = (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8)
_INT16 = (
    tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
    tf.int16,
)


def write_zoo(folder: Path) -> None:
    (folder / "int16").mkdir(parents=True, exist_ok=True)
    for seed, (name, build) in enumerate(MODELS.items()):
        for types, place in (_INT8, folder), (_INT16, folder / "int16"):
            if types is _INT8 or name in INT16:
                content = convert(build, seed, types)
                (place / f"{name}.tflite").write_bytes(content)
                np.save(place / f"{name}.npy", window(content, np.random.default_rng(1000 + seed)))


def convert(build: Callable[[int], Any], seed: int, types: tuple[Any, Any]) -> bytes:
    """Full int8, or int16 with int8 weights, after calibration, by tensorflow's converter.

    `types` are the set of ops and the type of the inputs and outputs.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(1)
    model.set_weights(trained(build(CALIBRATION_WINDOWS), rng).get_weights())

    def calibration() -> Iterator[list[npt.NDArray[np.float32]]]:
        for _ in range(CALIBRATION_WINDOWS):
            yield [signals(rng, model.input_shape)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [types[0]]
    converter.inference_input_type = converter.inference_output_type = types[1]
    return bytes(converter.convert())


def trained(model: Any, rng: np.random.Generator) -> Any:
    """The model with its batch norms as training leaves them: gains and shifts of their own, and
    the statistics of a batch, without which the signal would die in the deeper models."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.normal(1.0, 0.3, layer.gamma.shape))
            layer.beta.assign(rng.normal(0.0, 0.3, layer.beta.shape))
            layer.momentum = 0.0
    batch = [signals(rng, (1, *model.input_shape[1:])) for _ in range(CALIBRATION_WINDOWS)]
    model(np.concatenate(batch), training=True)
    return model


def signals(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Waves along every axis, a step in one place, an offset, some noise."""
    axes = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    values = rng.normal(0, 0.3, shape) + rng.normal(0, 0.5)
    for _ in range(4):
        phase = sum(rng.normal(0, 12) * axis for axis in axes) + rng.uniform(0, 6.3)
        values += rng.gamma(2.0, 0.3) * np.sin(phase)
    place = axes[int(np.argmax(shape))]
    values += rng.normal(0, 1.0) * (place > rng.uniform(0.2, 0.8))
    return values.astype(np.float32)


def window(content: bytes, rng: np.random.Generator) -> npt.NDArray[Any]:
    """A signal that calibration did not see, on the input's scale."""
    details = tf.lite.Interpreter(model_content=content).get_input_details()[0]
    scale, zero_point = details["quantization"]
    codes = np.round(signals(rng, tuple(details["shape"])) / scale) + zero_point
    limits = np.iinfo(details["dtype"])
    return np.clip(codes, limits.min, limits.max).astype(details["dtype"])


if __name__ == "__main__":
    write_zoo(Path(sys.argv[1]))
