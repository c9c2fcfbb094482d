"""The words of the serial protocol; PROTOCOL.md says what they mean.

`firmware/protocol.h` holds the same words for the board. Tests read all three and fail where
they differ.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from midfuse.core.errors import DeviceError

PROTOCOL_VERSION = 2

FLAG = 0x7E
ESCAPE = 0x7D
ESCAPE_XOR = 0x20
CRC_BYTES = 4
IMAGE_ID_BYTES = 16

REPLY = 0x80


class Type(IntEnum):
    """Requests; the answer's type is the request's with `REPLY` set, or `ERROR`."""

    OPEN = 0x01
    INFO = 0x02
    WRITE = 0x03
    INVOKE = 0x04
    READ = 0x05
    PROFILE = 0x06
    ERROR = 0xFF


class Kind(IntEnum):
    """Kinds of tensor, in INFO and READ."""

    INPUT = 0
    OUTPUT = 1
    TENSOR = 2


class Error(IntEnum):
    """What an ERROR says."""

    UNKNOWN_SESSION = 1
    OUT_OF_SEQUENCE = 2
    UNKNOWN_TYPE = 3
    BAD_LENGTH = 4
    NO_SUCH_TENSOR = 5
    OUT_OF_RANGE = 6
    NOT_READY = 7


class Dtype(IntEnum):
    """Types of tensor: those of the `.tflite`'s schema."""

    FLOAT32 = 0
    INT32 = 2
    INT16 = 7
    INT8 = 9


HEADER = struct.Struct("<BBHII")  # type, reserved, sequence, session, boot
OPEN_REQUEST = struct.Struct("<H")  # the host's protocol version
IDENTITY = struct.Struct("<8H3I32s16s")  # then board, firmware version: length byte, text
_IDENTITY_COUNTS = (
    *("protocol_version", "inputs", "outputs", "tensors", "ops"),
    *("write_bytes", "read_bytes", "outstanding", "arena_bytes", "clock_hz", "ticks_per_second"),
)
INFO_REQUEST = struct.Struct("<BH")  # kind, index
INFO_ANSWER = struct.Struct("<BBHIfi")  # dtype, rank, tflite index, bytes, scale, zero point; …
WRITE_REQUEST = struct.Struct("<HI")  # index, offset; then the bytes
INVOKE_ANSWER = struct.Struct("<QI")  # ticks, stack high-water mark in bytes
READ_REQUEST = struct.Struct("<BHIH")  # kind, index, offset, count
READ_ANSWER = struct.Struct("<I")  # offset; then the bytes
PROFILE_REQUEST = struct.Struct("<H")  # first step
PROFILE_ANSWER = struct.Struct("<I")  # the counter's own ticks; then each step's, of the same form

# No answer is longer: what a host has to be ready for.
MAX_BODY_BYTES = HEADER.size + READ_ANSWER.size + 0x4000 + CRC_BYTES


@dataclass(frozen=True)
class Identity:
    """Who a board is, before anything else; sizes in bytes. `boot` differs after every reset."""

    protocol_version: int
    inputs: int
    outputs: int
    tensors: int
    ops: int
    write_bytes: int
    read_bytes: int
    outstanding: int
    arena_bytes: int
    clock_hz: int
    ticks_per_second: int
    model_sha256: str
    image_id: str
    board: str
    firmware_version: str
    boot: int


@dataclass(frozen=True)
class TensorInfo:
    """One tensor on the board; `index` counts within its kind."""

    kind: Kind
    index: int
    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    bytes: int
    scale: float
    zero_point: int
    tflite_index: int


def parse_identity(payload: bytes, boot: int) -> Identity:
    """The answer to OPEN.

    Raises:
        DeviceError: the board speaks another version of the protocol, or nonsense.
    """
    version = int.from_bytes(payload[:2], "little")
    if version != PROTOCOL_VERSION:
        raise DeviceError(
            f"the board speaks protocol version {version}, this midfuse {PROTOCOL_VERSION}",
            "flash the board again with this midfuse",
        )
    try:
        numbers = IDENTITY.unpack_from(payload)
        board, rest = _text(payload[IDENTITY.size :])
        firmware_version, _ = _text(rest)
    except (struct.error, IndexError):
        raise malformed("identity") from None
    identity = Identity(
        **dict(zip(_IDENTITY_COUNTS, numbers, strict=False)),
        model_sha256=numbers[-2].hex(),
        image_id=numbers[-1].hex(),
        board=board,
        firmware_version=firmware_version,
        boot=boot,
    )
    if identity.write_bytes == 0 or identity.read_bytes == 0:
        raise malformed("identity")
    return identity


def parse_info(kind: Kind, index: int, payload: bytes) -> TensorInfo:
    """The answer to INFO.

    Raises:
        DeviceError: it is not of the form that version 2 prescribes.
    """
    try:
        dtype, rank, tflite_index, size, scale, zero_point = INFO_ANSWER.unpack_from(payload)
        shape = struct.unpack_from(f"<{rank}I", payload, INFO_ANSWER.size)
    except struct.error:
        raise malformed("tensor description") from None
    if dtype not in list(Dtype):
        known = ", ".join(f"{each.name.lower()} ({each})" for each in Dtype)
        raise DeviceError(f"the board has a tensor of type {dtype}", f"this midfuse knows {known}")
    name = payload[INFO_ANSWER.size + 4 * rank :].decode(errors="replace")
    return TensorInfo(kind, index, name, Dtype(dtype), shape, size, scale, zero_point, tflite_index)


def _text(payload: bytes) -> tuple[str, bytes]:
    end = 1 + payload[0]
    return payload[1:end].decode(errors="replace"), payload[end:]


def malformed(what: str) -> DeviceError:
    """The error for an answer that is not of the form that version 2 prescribes."""
    return DeviceError(f"the board's {what} is malformed", "flash the board again")
