"""Is the right chip there? A register of its own where board.toml names one, else the core."""

from collections.abc import Callable

from firmware_tools.board.registry import Board
from midfuse.core.errors import DeviceError

CPUID = 0xE000ED00
_PART_MASK = 0xFFF0
# Bits 15 to 4 of an Arm Cortex-M's CPUID register.
_PARTS = {
    "cortex-m0": 0xC20,
    "cortex-m0plus": 0xC60,
    "cortex-m3": 0xC23,
    "cortex-m4": 0xC24,
    "cortex-m7": 0xC27,
    "cortex-m23": 0xD20,
    "cortex-m33": 0xD21,
    "cortex-m55": 0xD22,
    "cortex-m85": 0xD23,
}


def check_chip(board: Board, read_word: Callable[[int], int]) -> None:
    """Raise a DeviceError when a register says that this is another chip than the board's.

    `read_word` reads 32 bits at an address of the target. A chip that reads as 0 has no such
    register (an emulated one), and says nothing.
    """
    for address, mask, wanted in registers(board):
        try:
            found = read_word(address) & mask
        except DeviceError as error:
            raise no_chip_id(board, address, error) from None
        if found not in (0, wanted):
            raise wrong_chip(board, address, found, wanted)


def registers(board: Board) -> list[tuple[int, int, int]]:
    """Address, mask and right value of what tells the chip; none where nothing is known of it."""
    known = []
    part = _PARTS.get(board.core)
    if part is not None:
        known.append((CPUID, _PART_MASK, part << 4))
    if board.chip_id is not None:
        known.append((board.chip_id.address, board.chip_id.mask, board.chip_id.value))
    return known


def no_chip_id(board: Board, address: int, error: DeviceError) -> DeviceError:
    """The error for a chip that cannot even be asked."""
    return DeviceError(
        f"wrong chip: {board.name} is {board.mcu}, and this one has no id at {address:#010x}"
        f" ({error.problem}); nothing was written",
        "check which board is connected, and `board` and `probe`",
    )


def wrong_chip(board: Board, address: int, found: int, wanted: int) -> DeviceError:
    """The error for a chip that says that it is another one."""
    what = "core" if address == CPUID else "chip"
    return DeviceError(
        f"wrong chip: {board.name} is {board.mcu} ({board.core}), but the {what} id at"
        f" {address:#010x} is {found:#x}, not {wanted:#x}; nothing was written",
        "check which board is connected, and `board` and `probe`",
    )
