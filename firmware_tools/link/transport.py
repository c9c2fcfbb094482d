"""One request, one right answer, whatever the line loses, repeats or damages (PROTOCOL.md).

A request is sent again until its answer comes; a damaged, late or foreign frame is no answer. A
board that was reset knows the session no more, which ends whatever was under way.
"""

import secrets
import time
from dataclasses import asdict, dataclass

import serial

from firmware_tools.link.frame import Decoder, encode
from firmware_tools.link.protocol import HEADER, REPLY, Error, Type
from midfuse.core.errors import DeviceError
from midfuse.core.results import LinkStatistics

# How long a read of the port may take; a request's own limits are much longer.
_POLL_SECONDS = 0.02


@dataclass
class _Counts:
    """What `LinkStatistics` is made from."""

    requests: int = 0
    retries: int = 0
    resets: int = 0


class SessionLost(Exception):
    """The board does not know the session any more: it was reset."""


class Transport:
    """Requests over an open pyserial port, within sessions.

    A request is sent again after `reply_timeout` seconds without its answer, and given up after
    `patience` seconds; an inference may take `inference_patience`.
    """

    def __init__(
        self,
        port: serial.Serial,
        *,
        reply_timeout: float = 0.5,
        patience: float = 10.0,
        inference_patience: float = 120.0,
    ) -> None:
        self._port = port
        self._reply_timeout = reply_timeout
        self._patience = patience
        self._inference_patience = inference_patience
        self._decoder = Decoder()
        self._session = 0
        self._sequence = 0
        self._counts = _Counts()
        # The board's boot number, which differs after every reset.
        self.boot = 0
        port.timeout = _POLL_SECONDS
        port.write_timeout = patience

    @property
    def port_name(self) -> str | None:
        """The port, as messages name it."""
        return self._port.name

    @property
    def statistics(self) -> LinkStatistics:
        """What the line cost so far."""
        return LinkStatistics(damaged=self._decoder.damaged, **asdict(self._counts))

    def open(self, payload: bytes) -> bytes:
        """Begin a new session by an OPEN; the payload of its answer.

        Raises:
            DeviceError: no answer, or noise.
        """
        # A number that never comes back: nothing of an earlier session is taken for this one's.
        self._session = secrets.randbits(32)
        self._sequence = 0
        return self.request(Type.OPEN, payload)

    def lost(self) -> None:
        """Count a session that a reset ended."""
        self._counts.resets += 1

    def request(self, kind: Type, payload: bytes = b"") -> bytes:
        """Send a request until it is answered; the answer's payload.

        Raises:
            SessionLost: the board was reset.
            DeviceError: it refused, or nothing came in time.
        """
        self._sequence = (self._sequence + 1) & 0xFFFF
        boot = 0 if kind == Type.OPEN else self.boot
        frame = encode(HEADER.pack(kind, 0, self._sequence, self._session, boot) + payload)
        infers = kind in (Type.INVOKE, Type.PROFILE)
        patience = self._inference_patience if infers else self._patience
        give_up = time.monotonic() + patience
        seen = _Received()
        try:
            while True:
                self._port.write(frame)
                answer = self._await(kind, seen, time.monotonic() + self._reply_timeout)
                if answer is not None:
                    self._counts.requests += 1
                    return answer
                if time.monotonic() > give_up:
                    raise seen.nothing(self._port.name, patience)
                self._counts.retries += 1
        except (serial.SerialException, OSError) as error:
            raise DeviceError(
                f"{self._port.name}: the port is gone ({error})", "plug the board in again"
            ) from None

    def _await(self, kind: Type, seen: "_Received", until: float) -> bytes | None:
        """The answer to the last request, or None when it did not come in time."""
        while time.monotonic() < until:
            received = self._port.read(max(1, self._port.in_waiting))
            seen.bytes += len(received)
            for body in self._decoder.feed(received):
                seen.frames += 1
                answer = self._match(kind, body)
                if answer is not None:
                    return answer
        return None

    def _match(self, kind: Type, body: bytes) -> bytes | None:
        """The payload, if the frame answers the last request; late and foreign ones do not."""
        if len(body) < HEADER.size:
            return None
        found, _, sequence, session, boot = HEADER.unpack_from(body)
        payload = body[HEADER.size :]
        if (session, sequence) != (self._session, self._sequence):
            return None
        if found == Type.ERROR and len(payload) == 1:
            if payload[0] in (Error.UNKNOWN_SESSION, Error.OUT_OF_SEQUENCE):
                raise SessionLost
            name = Error(payload[0]).name if payload[0] in list(Error) else str(payload[0])
            raise DeviceError(
                f"the board refused {kind.name}: {name.lower().replace('_', ' ')}",
                "flash the board again with this midfuse",
            )
        if found != kind | REPLY:
            return None
        if kind == Type.OPEN:
            self.boot = boot
        elif boot != self.boot:
            raise SessionLost
        return payload


@dataclass
class _Received:
    """What came over the line while an answer did not."""

    bytes: int = 0
    frames: int = 0

    def nothing(self, port: str | None, patience: float) -> DeviceError:
        if self.bytes == 0:
            return DeviceError(
                f"{port}: no answer within {patience:g} s",
                "check the port, and that midfuse firmware runs on the board",
            )
        if self.frames == 0:
            return DeviceError(
                f"{port}: noise on the line, {self.bytes} bytes within {patience:g} s"
                " and no valid frame",
                "check baud rate, cable and ground, and that midfuse firmware runs on the board",
            )
        return DeviceError(
            f"{port}: {self.frames} frames within {patience:g} s, none of them the answer",
            "close the other program that uses the port",
        )
