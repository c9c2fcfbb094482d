"""The UF2 format: flash content as 512-byte blocks, each of which says where it goes.

https://github.com/microsoft/uf2 has the specification.
"""

import struct

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256
_HEADER = struct.Struct("<8I")  # magics, flags, address, payload's bytes, number, count, family
_MAGIC_START = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_HAS_FAMILY = 0x2000
_ERASED = b"\xff"


def uf2_blocks(start: int, data: bytes, family_id: int) -> bytes:
    """A UF2 file that puts `data` at address `start`; the last block is filled up as erased flash.

    Boot loaders write whole pages, so `start` is a multiple of 256.
    """
    if start % PAYLOAD_BYTES:
        raise ValueError(f"{start:#x} is no multiple of {PAYLOAD_BYTES}")
    pieces = [data[at : at + PAYLOAD_BYTES] for at in range(0, len(data), PAYLOAD_BYTES)]
    blocks = []
    for number, piece in enumerate(pieces):
        address = start + number * PAYLOAD_BYTES
        header = _HEADER.pack(
            *_MAGIC_START,
            *(_HAS_FAMILY, address, PAYLOAD_BYTES, number, len(pieces), family_id),
        )
        body = header + piece.ljust(PAYLOAD_BYTES, _ERASED)
        blocks.append(body.ljust(BLOCK_BYTES - 4, b"\0") + struct.pack("<I", _MAGIC_END))
    return b"".join(blocks)
