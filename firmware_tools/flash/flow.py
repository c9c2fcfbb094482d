"""An image onto a real board, and the proof that it is there."""

from dataclasses import asdict, dataclass
from typing import Any

from firmware_tools.board.registry import Board
from firmware_tools.flash.payload import read_payload
from firmware_tools.flash.programmer import Programmer
from firmware_tools.image.image import Image
from firmware_tools.link.session import connect
from midfuse.core.errors import DeviceError
from midfuse.core.progress import SILENT, Progress

# A serial port on USB comes back some time after the board's reset.
_PORT_SECONDS = 10.0


@dataclass(frozen=True)
class Flashed:
    """What was done; `identified` when the board itself has named the image over `port`.

    `probe` is empty where the tool took the only one there was.
    """

    board: str
    backend: str
    probe: str
    image_id: str
    model_sha256: str
    written_bytes: int
    verified: bool
    identified: bool
    port: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        image = f"image {self.image_id[:12]}…"
        if self.identified:
            return f"{self.board}: flashed by {self.backend}; it says over {self.port}: {image}"
        done = "written and verified" if self.verified else "written"
        return (
            f"{self.board}: {image} is {done} by {self.backend}; not yet identified:"
            " give --port, the board's serial port"
        )


def flash_image(
    image: Image,
    board: Board,
    programmer: Programmer,
    *,
    probe: str | None = None,
    port: str | None = None,
    progress: Progress = SILENT,
) -> Flashed:
    """Write an image, verify it, reset the board and, with `port`, ask it what it runs.

    Raises:
        InputError: the image does not fit, or `probe` is missing where it has to be named.
        DeviceError: tool or board is missing, several boards are there, it is another chip, the
            writing was interrupted, or the board answers with another image or not at all.
        CheckFailed: the flash does not hold what was written.
        Interrupted: Ctrl-C while writing.
    """
    payload = read_payload(image, board)
    programmer.require()
    chosen = programmer.find(probe)
    programmer.write(payload, chosen, progress)
    if port is not None:
        _identify(image, board, port)
    return Flashed(
        board=board.name,
        backend=programmer.name,
        probe=chosen,
        image_id=image.image_id,
        model_sha256=image.model_sha256,
        written_bytes=len(payload.data),
        verified=programmer.capabilities.verify,
        identified=port is not None,
        port=port,
    )


def _identify(image: Image, board: Board, port: str) -> None:
    wanted = (image.model_sha256, image.image_id)
    try:
        with connect(port, board, *wanted, appears_within=_PORT_SECONDS):
            pass
    except DeviceError as error:
        raise DeviceError(
            f"{board.name}: written, but not identified: {error.problem}", error.remedy
        ) from None
