"""An image onto a real board, and the proof that it is there."""

from firmware_tools.board.registry import Board
from firmware_tools.flash.payload import read_payload
from firmware_tools.flash.programmer import Programmer
from firmware_tools.link.session import connect
from midfuse.core.errors import DeviceError
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import FlashResult, Image

# A serial port on USB comes back some time after the board's reset.
_PORT_SECONDS = 10.0


def flash_image(
    image: Image,
    board: Board,
    programmer: Programmer,
    *,
    probe: str | None = None,
    port: str | None = None,
    progress: Progress = SILENT,
) -> FlashResult:
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
    return FlashResult(
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
