"""Float models of the kinds that people bring, with random weights, for `benchmarks.zoo.write`.

Written as practitioners write them for TFLM: a fixed batch, no op that it lacks (a GELU, a
SPACE_TO_BATCH_ND), causal padding spelt out.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

Layer = Callable[[Any], Any]


def resnet8(batch: int) -> Any:
    """Image classification, 32x32x3: three stages of a residual block each."""
    image = keras.Input((32, 32, 3), batch_size=batch)
    x = _conv_norm(image, 8, 3)
    for filters, stride in ((8, 1), (16, 2), (32, 2)):
        y = _conv_norm(x, filters, 3, stride)
        y = _conv_norm(y, filters, 3, activation=None)
        short = x if stride == 1 else layers.Conv2D(filters, 1, stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([short, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return keras.Model(image, layers.Dense(10, "softmax")(x))


def ds_cnn(batch: int) -> Any:
    """Keyword spotting, 49 frames of 10 coefficients: depthwise separable convolutions."""
    frames = keras.Input((49, 10, 1), batch_size=batch)
    x = _conv_norm(frames, 16, (10, 4), 2)
    for _ in range(3):
        x = _separable(x, 16)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(frames, layers.Dense(12, "softmax")(x))


def autoencoder(batch: int) -> Any:
    """Anomaly detection, 640-128-8-128-640."""
    spectrum = keras.Input((640,), batch_size=batch)
    x = spectrum
    for width in (128, 8, 128):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return keras.Model(spectrum, layers.Dense(640)(x))


def mobilenet(batch: int) -> Any:
    """Visual wake words, 96x96x3: MobileNetV1 at width 0.25, its padding as Keras has it."""
    image = keras.Input((96, 96, 3), batch_size=batch)
    x = _conv_norm(image, 8, 3, 2, relu6)
    widths = (16, 32, 32, 64, 64, *5 * (128,), 256, 256)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 2, 1)
    for width, stride in zip(widths, strides, strict=True):
        if stride == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = _separable(x, width, stride, relu6, padding="same" if stride == 1 else "valid")
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Flatten()(layers.Conv2D(2, 1)(x))
    return keras.Model(image, layers.Softmax()(x))


def tcn(batch: int) -> Any:
    """A gated temporal convolution net, 64 steps of 6 channels: causal, dilated, residual."""
    signal = keras.Input((64, 6), batch_size=batch)
    x = layers.Reshape((1, 64, 6))(signal)
    x = layers.Conv2D(16, 1)(x)
    for dilation in (1, 2, 4, 8):
        past = layers.ZeroPadding2D(((0, 0), (2 * dilation, 0)))(x)
        wave, gate = (
            layers.BatchNormalization()(
                Dilated(16, (1, 3), dilation_rate=(1, dilation), use_bias=False)(past)
            )
            for _ in range(2)
        )
        y = layers.Multiply()([keras.ops.tanh(wave), keras.ops.sigmoid(gate)])
        x = layers.Add()([x, layers.Conv2D(16, 1)(y)])
    return keras.Model(signal, layers.Dense(5)(x[:, 0, -1, :]))


def squeeze_excite(batch: int) -> Any:
    """Inverted bottlenecks with squeeze-and-excite, 24x24x4, as MobileNetV3 has them."""
    image = keras.Input((24, 24, 4), batch_size=batch)
    x = _conv_norm(image, 8, 3, 2, hard_swish)
    for activation in (hard_swish, layers.LeakyReLU(negative_slope=0.1)):
        y = _conv_norm(x, 24, 1, activation=activation)
        y = layers.DepthwiseConv2D(5, padding="same", use_bias=False)(y)
        y = activation(layers.BatchNormalization()(y))
        scale = layers.GlobalAveragePooling2D(keepdims=True)(y)
        scale = layers.Conv2D(24, 1, activation="sigmoid")(
            layers.Conv2D(6, 1, activation="relu")(scale)
        )
        x = layers.Add()([x, _conv_norm(layers.Multiply()([y, scale]), 8, 1, activation=None)])
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(image, layers.Dense(4)(x))


def unet(batch: int) -> Any:
    """Segmentation, 32x32x1: two levels down and up again, with skips and PReLU."""
    image = keras.Input((32, 32, 1), batch_size=batch)
    skips, x = [], image
    for filters in (6, 12):
        x = layers.PReLU(shared_axes=[1, 2], alpha_initializer="glorot_uniform")(
            _conv_norm(x, filters, 3, activation=None)
        )
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = _conv_norm(x, 16, 3)
    for filters in (12, 6):
        x = layers.Conv2DTranspose(filters, 3, 2, padding="same")(x)
        x = _conv_norm(layers.Concatenate()([x, skips.pop()]), filters, 3)
    return keras.Model(image, layers.Conv2D(3, 1, activation="sigmoid")(x))


def transformer(batch: int) -> Any:
    """A pre-norm LayerNorm transformer, 16 tokens of 9 channels, 4 heads, class by mean."""
    tokens, width, heads = 16, 24, 4
    signal = keras.Input((tokens, 9), batch_size=batch)
    x = layers.Dense(width)(signal) + _position(tokens, width)
    for _ in range(2):
        query, key, value = (
            keras.ops.transpose(part, (0, 2, 1, 3))
            for part in keras.ops.split(
                keras.ops.reshape(
                    layers.Dense(3 * width)(_layer_norm(x)),
                    (batch, tokens, 3 * heads, width // heads),
                ),
                3,
                axis=2,
            )
        )
        scores = keras.ops.matmul(query, keras.ops.transpose(key, (0, 1, 3, 2)))
        mixed = keras.ops.matmul(keras.ops.softmax(scores * (width // heads) ** -0.5), value)
        joined = keras.ops.reshape(keras.ops.transpose(mixed, (0, 2, 1, 3)), (batch, tokens, width))
        x = x + layers.Dense(width)(joined)
        x = x + layers.Dense(width)(layers.Dense(2 * width, "relu")(_layer_norm(x)))
    x = keras.ops.mean(_layer_norm(x), axis=1)
    return keras.Model(signal, layers.Dense(6)(x))


def relu6(x: Any) -> Any:
    return layers.ReLU(6.0)(x)


def hard_swish(x: Any) -> Any:
    return x * relu6(x + 3.0) * (1.0 / 6.0)


def _conv_norm(
    x: Any,
    filters: int,
    size: int | tuple[int, int],
    stride: int = 1,
    activation: Layer | None = keras.ops.relu,
) -> Any:
    x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return x if activation is None else activation(x)


def _separable(
    x: Any, filters: int, stride: int = 1, activation: Layer = keras.ops.relu, padding: str = "same"
) -> Any:
    x = layers.DepthwiseConv2D(3, stride, padding=padding, use_bias=False)(x)
    return _conv_norm(activation(layers.BatchNormalization()(x)), filters, 1, 1, activation)


class Dilated(layers.Conv2D):  # type: ignore[misc]
    """Keras' own way goes through SPACE_TO_BATCH_ND, which TFLM has no use for."""

    def call(self, x: Any) -> Any:
        return tf.nn.conv2d(x, self.kernel, 1, "VALID", dilations=self.dilation_rate)


def _layer_norm(x: Any) -> Any:
    """Spelt out, with the ops that TFLM has in int8; the learned gain and shift as constants."""
    mean = keras.ops.mean(x, axis=-1, keepdims=True)
    variance = keras.ops.mean(SquaredDifference()([x, mean]), axis=-1, keepdims=True)
    rng = np.random.default_rng(7)
    gain, shift = rng.normal([[1.0], [0.0]], 0.2, (2, x.shape[-1])).astype(np.float32)
    return (x - mean) * keras.ops.rsqrt(variance + 1e-3) * gain + shift


class SquaredDifference(layers.Layer):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return tf.math.squared_difference(*inputs)


def _position(tokens: int, width: int) -> Any:
    """Sines and cosines, one wavelength a pair of channels."""
    angles = np.arange(tokens)[:, None] / 100 ** (np.arange(width)[None] // 2 * 2 / width)
    waves = np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))
    return waves.astype(np.float32)[None]


MODELS: dict[str, Callable[[int], Any]] = {
    "resnet8": resnet8,
    "ds_cnn": ds_cnn,
    "autoencoder": autoencoder,
    "mobilenet": mobilenet,
    "tcn": tcn,
    "squeeze_excite": squeeze_excite,
    "unet": unet,
    "transformer": transformer,
}
