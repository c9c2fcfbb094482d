"""A model that no small board holds."""

from pathlib import Path

from tests.support.tflite_builder import TFLiteBuilder


def too_large(folder: Path) -> Path:
    """A sum of two inputs of 20,000 bytes each."""
    builder = TFLiteBuilder()
    given = [builder.input((20_000,), 0.5, 0) for _ in range(2)]
    builder.op("ADD", given, builder.tensor((20_000,), 0.5, 0))
    path = folder / "large.tflite"
    path.write_bytes(builder.content())
    return path
