"""A trained model to an emulated board: `python examples/to_a_board.py runs/demo/train`."""

import sys
from pathlib import Path

import midfuse

train, out = Path(sys.argv[1]), Path("runs/example")
model = midfuse.convert(
    train / "student.safetensors", train / "calibration.npz", out, test=train / "test.npz"
)
image = midfuse.build(model.tflite, "qemu-mps2-an386", out / "image")
found = midfuse.evaluate(model.tflite, "qemu-mps2-an386", out / "expected.npz", out / "board")
print(f"{image.flash_bytes} bytes of flash, {found.differing_bytes} differing bytes")
print(f"accuracy {found.accuracy:.4f} over {found.windows} windows")
