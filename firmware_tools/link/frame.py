"""Frames on the wire, as in PROTOCOL.md: 7E, the escaped body and its CRC-32, 7E."""

import re
from binascii import crc32

from firmware_tools.link.protocol import CRC_BYTES, ESCAPE, ESCAPE_XOR, FLAG, MAX_BODY_BYTES

_FLAG = bytes([FLAG])
_RESERVED = re.compile(rb"[\x7d\x7e]")
_ESCAPED = re.compile(rb"\x7d([\x5d\x5e])")
_WELL_ESCAPED = re.compile(rb"(?:[^\x7d]|\x7d[\x5d\x5e])*", re.DOTALL)


def encode(body: bytes) -> bytes:
    """A body as one frame, flags at both ends."""
    checked = body + crc32(body).to_bytes(CRC_BYTES, "little")
    escaped = _RESERVED.sub(lambda found: bytes([ESCAPE, found[0][0] ^ ESCAPE_XOR]), checked)
    return _FLAG + escaped + _FLAG


class Decoder:
    """Collects frames from a byte stream; `damaged` counts those that were dropped."""

    def __init__(self, capacity: int = MAX_BODY_BYTES) -> None:
        """`capacity` bounds a frame's body and CRC, escapes taken off."""
        self._capacity = capacity
        self._pending = b""
        self._inside = False
        self.damaged = 0

    def feed(self, received: bytes) -> list[bytes]:
        """The undamaged bodies that these bytes complete, CRC taken off."""
        *ended, self._pending = (self._pending + received).split(_FLAG)
        bodies = []
        for segment in ended:
            if self._inside and segment:
                body = self._check(segment)
                if body is None:
                    self.damaged += 1
                else:
                    bodies.append(body)
            self._inside = True
        if len(self._pending) > 2 * self._capacity:
            # Whatever comes before the next flag is lost; keep enough to know that it was.
            self._pending = self._pending[: 2 * self._capacity + 1]
        return bodies

    def _check(self, segment: bytes) -> bytes | None:
        if not _WELL_ESCAPED.fullmatch(segment):
            return None
        checked = _ESCAPED.sub(lambda found: bytes([found[1][0] ^ ESCAPE_XOR]), segment)
        body, check = checked[:-CRC_BYTES], checked[-CRC_BYTES:]
        if not CRC_BYTES <= len(checked) <= self._capacity:
            return None
        return body if crc32(body) == int.from_bytes(check, "little") else None
