"""Training figures for TensorBoard, if it is installed."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from midfuse.core.errors import DeviceError


class Scalars:
    """Event files below `folder`, in a folder a stage.

    Raises:
        DeviceError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        # TensorBoard looks for this module and, where it is, does without TensorFlow, which takes
        # seconds to import and prints a page.
        sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise DeviceError(
                "`tensorboard`: TensorBoard is not installed", "pip install tensorboard"
            ) from None
        self._folder = folder
        self._make = SummaryWriter
        self._writers: dict[str, Any] = {}

    def add(self, stage: str, epoch: int, values: Mapping[str, float]) -> None:
        """Write an epoch's values; what was written of it and later ones before is void."""
        writer = self._writers.get(stage)
        if writer is None:
            writer = self._make(str(self._folder / stage), purge_step=epoch)
            self._writers[stage] = writer
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()
