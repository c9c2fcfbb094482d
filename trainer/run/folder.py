"""The folder of one run: its exact configuration, and what it needs to go on when interrupted.

While the run lasts, `.unfinished/` holds `config.json` and a file a stage; when it is complete,
`config.json` moves beside the results and `.unfinished/` goes away. Every file is written aside and
renamed, so that a kill at any moment leaves the one before it.
"""

import hashlib
import io
import json
import platform
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from midfuse.core.errors import InputError, Interrupted
from midfuse.core.files import write_whole
from trainer.data.datasets import DataSet
from trainer.run import ranks
from trainer.run.scalars import Scalars

SAVE_EVERY_S = 20.0
_UNFINISHED, _CONFIG = ".unfinished", "config.json"
_DIGEST = hashlib.sha256().digest_size


class Run:
    """A run in its folder; made by `start` or `resume`, and used in a `with` block.

    Leaving the block normally completes the run; leaving it by Ctrl-C says how to go on. What lies
    in `unfinished` goes away with a complete run.
    """

    def __init__(
        self, folder: Path, config: dict[str, Any], scalars: Scalars | None, part: str = ""
    ) -> None:
        self.folder = folder
        self.unfinished = folder / _UNFINISHED / part
        self._config = config
        self._scalars = scalars
        self._part = part
        self._saved = time.monotonic()

    @classmethod
    def start(cls, folder: Path, config: Mapping[str, Any], tensorboard: bool = False) -> "Run":
        """Begin a run with a configuration of JSON values; versions and device are added to it.

        Raises:
            InputError: the folder cannot be written.
            DeviceError: TensorBoard is asked for and not installed.
        """
        run = cls(folder, _exact(config), _scalars(folder, tensorboard))
        if ranks.rank() == 0:
            try:
                if run.unfinished.exists():
                    shutil.rmtree(run.unfinished)
                run.unfinished.mkdir(parents=True)
            except OSError as error:
                raise InputError(
                    f"`out` {folder}: cannot be written ({error.strerror})", "name another folder"
                ) from None
            text = json.dumps(run._config, indent=2) + "\n"
            write_whole(run.unfinished / _CONFIG, text)
        ranks.wait()
        return run

    @classmethod
    def resume(cls, folder: Path, config: Mapping[str, Any], tensorboard: bool = False) -> "Run":
        """Go on with an interrupted run, which must have begun with just this configuration.

        Raises:
            InputError: no unfinished run there, or another configuration, version, device or data.
            DeviceError: TensorBoard is asked for and not installed.
        """
        begun, now = interrupted_config(folder), _exact(config)
        differing = _differences(begun, now)
        if differing:
            name, (then, here) = next(iter(differing.items()))
            raise InputError(
                f"{folder}: {name} was {then} when the run began and is {here} now",
                "train again without `resume`",
            )
        return cls(folder, now, _scalars(folder, tensorboard))

    def part(self, name: str) -> "Run":
        """The same run for one of several trainings, whose stages have the same names."""
        return Run(self.folder, self._config, self._scalars, name)

    def load(self, stage: str) -> dict[str, Any] | None:
        """What `save` kept of a stage last, on this process's device; None if nothing.

        Raises:
            InputError: the file is damaged, or of another configuration.
        """
        path = self._path(stage)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        payload = content[_DIGEST:]
        if content[:_DIGEST] != self._digest(payload):
            raise InputError(
                f"{path}: damaged, or of another configuration",
                "delete it, and the stage begins anew",
            )
        state: dict[str, Any] = torch.load(
            io.BytesIO(payload), map_location=ranks.device(), weights_only=True
        )
        return state

    def save(self, stage: str, state: Mapping[str, Any], now: bool) -> None:
        """Keep a stage's state, if it is time to or `now`; only the first process does."""
        if ranks.rank() != 0 or not (now or time.monotonic() - self._saved >= SAVE_EVERY_S):
            return
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        path = self._path(stage)
        write_whole(path, self._digest(buffer.getvalue()) + buffer.getvalue())
        self._saved = time.monotonic()

    def log(self, stage: str, epoch: int, values: Mapping[str, float]) -> None:
        """Give an epoch's figures to TensorBoard, if the run does."""
        if self._scalars is not None and ranks.rank() == 0:
            self._scalars.add(str(Path(self._part, stage)), epoch, values)

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scalars is not None:
            self._scalars.close()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(
                "interrupted", f"train again with `resume` {self.folder} to go on"
            ) from None
        if ranks.rank() != 0:
            return
        if error is None:
            (self.unfinished / _CONFIG).replace(self.folder / _CONFIG)
        elif any(self.unfinished.rglob("*.state")):
            return
        # Nothing to go on with: complete, or refused before a stage had begun.
        shutil.rmtree(self.unfinished, ignore_errors=True)
        if error is not None:
            with suppress(OSError):
                self.folder.rmdir()

    def _path(self, stage: str) -> Path:
        return self.unfinished / f"{stage}.state"

    def _digest(self, payload: bytes) -> bytes:
        config = json.dumps(self._config, sort_keys=True).encode()
        return hashlib.sha256(hashlib.sha256(config).digest() + payload).digest()


def interrupted_config(folder: Path) -> dict[str, Any]:
    """The configuration with which an unfinished run began.

    Raises:
        InputError: no unfinished run there, or its configuration is damaged.
    """
    path = folder / _UNFINISHED / _CONFIG
    if not path.exists():
        raise InputError(f"`resume` {folder}: no unfinished run there", "name the `out` of one")
    return _read_config(path)


def completed_config(folder: Path) -> dict[str, Any]:
    """The configuration of a complete run, in its folder or in that of one of its trainings.

    Raises:
        InputError: no complete run there, or its configuration is damaged.
    """
    for place in (folder, folder.parent):
        if (place / _CONFIG).exists():
            return _read_config(place / _CONFIG)
    raise InputError(f"{folder}: no complete training there", "name the `out` of a training")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "train again") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})", "train again without `resume`") from None
    if not isinstance(config, dict):
        raise InputError(f"{path}: not a configuration", "train again without `resume`")
    return config


def fingerprint(dataset: DataSet) -> str:
    """The SHA-256 of all that is learnt from: sensors, labels, subjects and signals."""
    digest = hashlib.sha256()
    sensors = [modality.model_dump() for modality in dataset.modalities]
    digest.update(json.dumps([sensors, dataset.labels]).encode())
    for recording in dataset.recordings:
        digest.update(json.dumps([recording.subject, len(recording)]).encode())
        digest.update(np.ascontiguousarray(recording.labels, "<i8").tobytes())
        for modality in dataset.modalities:
            signal = recording.signals[modality.name]
            digest.update(np.ascontiguousarray(signal, "<f4").tobytes())
    return digest.hexdigest()


def _scalars(folder: Path, wanted: bool) -> Scalars | None:
    return Scalars(folder / "tensorboard") if wanted else None


def _exact(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with all else that decides the weights, as it comes back from JSON."""
    packages = {name: version(name) for name in ("midfuse", "numpy")}
    device = ranks.device()
    kind = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else torch.backends.cpu.get_cpu_capability()
    )
    exact: dict[str, Any] = json.loads(
        json.dumps(
            {
                **config,
                "versions": packages
                | {"python": platform.python_version(), "torch": torch.__version__},
                "machine": {"device": f"{device.type} {kind}", "processes": ranks.count()},
            }
        )
    )
    return exact


def _differences(one: Any, other: Any, name: str = "") -> dict[str, tuple[str, str]]:
    """Where two JSON values differ: each value of both, by its place."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = {}
        for key in [*one, *(key for key in other if key not in one)]:
            place = f"{name}.{key}" if name else key
            found.update(_differences(one.get(key), other.get(key), place))
        return found
    return {} if one == other else {name: (json.dumps(one), json.dumps(other))}
