"""What other runtimes need for a model, and what ours is to need at most: recorded, not measured.

`reference.json` has the figures of TensorFlow Lite Micro for the baseline models, and our
targets for them. A file of the same form judges other models, such as one's own in CI.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from midfuse.core.errors import InputError
from midfuse.core.results import Figures
from midfuse.core.tflite_file import TFLiteModel

# The models that `midfuse bench` takes when none is named.
MODELS = Path(__file__).with_name("models")
BUILT_IN = Path(__file__).with_name("reference.json")


class ReferenceModel(BaseModel):
    """One model by core: other runtimes' figures by their name, and targets, each at most.

    Where there is a SHA-256, it is that `.tflite` and no other of the same name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str | None = None
    runtimes: dict[str, dict[str, Figures]] = {}
    targets: dict[str, Figures] = {}


class Reference(BaseModel):
    """A file of them; the models by the name of their `.tflite` without its ending."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1]
    how_measured: str
    models: dict[str, ReferenceModel]

    def find(self, model: TFLiteModel) -> ReferenceModel:
        """What is recorded for a model; nothing where it is not known."""
        found = self.models.get(model.path.stem)
        if found is None or found.sha256 not in (None, model.sha256):
            return ReferenceModel()
        return found


def read_reference(path: Path) -> Reference:
    """Read such a file.

    Raises:
        InputError: it cannot be read, or a key in it is wrong.
    """
    try:
        return Reference.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror})", f"write one like {BUILT_IN}"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {key or 'JSON'}: {first['msg']}", "correct the key") from None
