"""The host's end of the protocol in PROTOCOL.md: every window gets exactly one right answer,
whatever the line loses, repeats or damages, and however often the board resets in between.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TypeVar

import serial

from firmware_tools.link.frame import Decoder, encode
from firmware_tools.link.protocol import (
    HEADER,
    INFO_REQUEST,
    INVOKE_ANSWER,
    OPEN_REQUEST,
    PROFILE_ANSWER,
    PROFILE_REQUEST,
    PROTOCOL_VERSION,
    READ_ANSWER,
    READ_REQUEST,
    REPLY,
    WRITE_REQUEST,
    Error,
    Identity,
    Kind,
    TensorInfo,
    Type,
    malformed,
    parse_identity,
    parse_info,
)
from midfuse.core.errors import DeviceError
from midfuse.core.results import LinkStatistics

# A board that resets this often during one task crashes on it.
MAX_RESETS = 5
# How long a read of the port may take; a request's own limits are much longer.
_POLL_SECONDS = 0.02

Result = TypeVar("Result")


@dataclass
class _Counts:
    """What `LinkStatistics` is made from."""

    requests: int = 0
    retries: int = 0
    resets: int = 0


@dataclass(frozen=True)
class Answer:
    """One window's result: the outputs' bytes in model order, and what the inference took."""

    outputs: list[bytes]
    ticks: int
    stack_bytes: int
    tensors: list[bytes] = field(default_factory=list)


class _SessionLost(Exception):
    """The board does not know the session any more: it was reset."""


class Link:
    """A session with a board over an open pyserial port.

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
        self._boot = 0
        self._model_sha256: str | None = None
        self._image_id: str | None = None
        self._counts = _Counts()
        port.timeout = _POLL_SECONDS
        port.write_timeout = patience

    @property
    def statistics(self) -> LinkStatistics:
        return LinkStatistics(damaged=self._decoder.damaged, **asdict(self._counts))

    def open(self, model_sha256: str | None = None, image_id: str | None = None) -> Identity:
        """Begin a session and learn who the board is; insist on a model, and on an image of it.

        Raises:
            DeviceError: no answer, noise, another protocol version, another model or image.
        """
        self._model_sha256 = model_sha256
        self._image_id = image_id
        self._open()
        return self._identity

    def tensors(self, kind: Kind, count: int) -> list[TensorInfo]:
        """The board's description of its first `count` tensors of a kind."""

        def describe(index: int) -> TensorInfo:
            return parse_info(kind, index, self._request(Type.INFO, INFO_REQUEST.pack(kind, index)))

        return [self._across_resets(partial(describe, index)) for index in range(count)]

    def run_window(
        self,
        inputs: Sequence[bytes],
        output_bytes: Sequence[int],
        tensor_bytes: Sequence[int] = (),
    ) -> Answer:
        """One inference: writes all inputs, invokes once, reads outputs and observable tensors.

        After a reset of the board the whole window is sent again.

        Raises:
            DeviceError: the board refuses, stays silent, or resets again and again.
        """

        def attempt() -> Answer:
            for index, values in enumerate(inputs):
                self._write(index, values)
            invoked = self._request(Type.INVOKE)
            if len(invoked) != INVOKE_ANSWER.size:
                raise malformed("answer to INVOKE")
            ticks, stack_bytes = INVOKE_ANSWER.unpack(invoked)
            outputs = [self._read(Kind.OUTPUT, i, size) for i, size in enumerate(output_bytes)]
            tensors = [self._read(Kind.TENSOR, i, size) for i, size in enumerate(tensor_bytes)]
            return Answer(outputs, ticks, stack_bytes, tensors)

        return self._across_resets(attempt)

    def step_ticks(self, inputs: Sequence[bytes]) -> list[int]:
        """What each step of one window's inference takes, without the counter's own ticks.

        The board answers for some thirty steps at a time, so a long model runs several times.

        Raises:
            DeviceError: as `run_window`.
        """

        def attempt(first: int) -> list[int]:
            for index, values in enumerate(inputs):
                self._write(index, values)
            answer = self._request(Type.PROFILE, PROFILE_REQUEST.pack(first))
            if not answer or len(answer) % PROFILE_ANSWER.size:
                raise malformed("answer to PROFILE")
            counter, *steps = (ticks for (ticks,) in PROFILE_ANSWER.iter_unpack(answer))
            if not 0 < len(steps) <= self._identity.ops - first:
                raise malformed("answer to PROFILE")
            return [max(0, ticks - counter) for ticks in steps]

        found: list[int] = []
        while len(found) < self._identity.ops:
            found += self._across_resets(partial(attempt, len(found)))
        return found

    def _across_resets(self, action: Callable[[], Result]) -> Result:
        """Do it from its beginning, in a new session, until the board did not reset within."""
        for resets in range(MAX_RESETS):
            try:
                if resets:
                    self._open()
                return action()
            except _SessionLost:
                self._counts.resets += 1
        raise DeviceError(
            f"the board reset {MAX_RESETS} times during one task, so it crashes on it",
            "try the model on the native board, which says more",
        )

    def _open(self) -> None:
        # A number that never comes back: nothing of an earlier session is taken for this one's.
        self._session = secrets.randbits(32)
        self._sequence = 0
        payload = self._request(Type.OPEN, OPEN_REQUEST.pack(PROTOCOL_VERSION))
        self._identity = parse_identity(payload, self._boot)
        for what, found, wanted in (
            ("model", self._identity.model_sha256, self._model_sha256),
            ("image", self._identity.image_id, self._image_id),
        ):
            if wanted is not None and found != wanted:
                raise DeviceError(
                    f"{self._port.name}: another {what} is on the board"
                    f" ({found[:12]}…, not {wanted[:12]}…)",
                    "flash it again",
                )

    def _write(self, index: int, values: bytes) -> None:
        step = self._identity.write_bytes
        for offset in range(0, len(values), step):
            fragment = values[offset : offset + step]
            self._request(Type.WRITE, WRITE_REQUEST.pack(index, offset) + fragment)

    def _read(self, kind: Kind, index: int, size: int) -> bytes:
        values = b""
        while len(values) < size:
            count = min(self._identity.read_bytes, size - len(values))
            answer = self._request(Type.READ, READ_REQUEST.pack(kind, index, len(values), count))
            offset, fragment = answer[: READ_ANSWER.size], answer[READ_ANSWER.size :]
            if offset != READ_ANSWER.pack(len(values)) or len(fragment) != count:
                raise malformed("answer to READ")
            values += fragment
        return values

    def _request(self, kind: Type, payload: bytes = b"") -> bytes:
        """Send a request until it is answered; the answer's payload.

        Raises:
            _SessionLost: the board was reset.
            DeviceError: it refused, or nothing came in time.
        """
        self._sequence = (self._sequence + 1) & 0xFFFF
        boot = 0 if kind == Type.OPEN else self._boot
        frame = encode(HEADER.pack(kind, 0, self._sequence, self._session, boot) + payload)
        infers = kind in (Type.INVOKE, Type.PROFILE)
        patience = self._inference_patience if infers else self._patience
        give_up = time.monotonic() + patience
        heard = _Heard()
        try:
            while True:
                self._port.write(frame)
                answer = self._await(kind, heard, time.monotonic() + self._reply_timeout)
                if answer is not None:
                    self._counts.requests += 1
                    return answer
                if time.monotonic() > give_up:
                    raise heard.nothing(self._port.name, patience)
                self._counts.retries += 1
        except (serial.SerialException, OSError) as error:
            raise DeviceError(
                f"{self._port.name}: the port is gone ({error})", "plug the board in again"
            ) from None

    def _await(self, kind: Type, heard: "_Heard", until: float) -> bytes | None:
        """The answer to the last request, or None when it did not come in time."""
        while time.monotonic() < until:
            received = self._port.read(max(1, self._port.in_waiting))
            heard.bytes += len(received)
            for body in self._decoder.feed(received):
                heard.frames += 1
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
                raise _SessionLost
            name = Error(payload[0]).name if payload[0] in list(Error) else str(payload[0])
            raise DeviceError(
                f"the board refused {kind.name}: {name.lower().replace('_', ' ')}",
                "flash the board again with this midfuse",
            )
        if found != kind | REPLY:
            return None
        if kind == Type.OPEN:
            self._boot = boot
        elif boot != self._boot:
            raise _SessionLost
        return payload


@dataclass
class _Heard:
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
