"""What a host may ask of a board: its identity, its tensors, an inference, its steps' ticks.

Every window gets exactly one right answer, however often the board resets in between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from firmware_tools.link.protocol import (
    INFO_REQUEST,
    INVOKE_ANSWER,
    OPEN_REQUEST,
    PROFILE_ANSWER,
    PROFILE_REQUEST,
    PROTOCOL_VERSION,
    READ_ANSWER,
    READ_REQUEST,
    WRITE_REQUEST,
    Identity,
    Kind,
    TensorInfo,
    Type,
    malformed,
    parse_identity,
    parse_info,
)
from firmware_tools.link.transport import SessionLost, Transport
from midfuse.core.errors import DeviceError
from midfuse.core.results import LinkStatistics

# A board that resets this often during one task crashes on it.
MAX_RESETS = 5

Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """One window's result: the outputs' bytes in model order, and what the inference took."""

    outputs: list[bytes]
    ticks: int
    stack_bytes: int
    tensors: list[bytes] = field(default_factory=list)


class Link:
    """A board over a transport; it insists on the model, and on the image, that `open` is told."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._request = transport.request
        self._model_sha256: str | None = None
        self._image_id: str | None = None

    @property
    def statistics(self) -> LinkStatistics:
        """What the line cost so far."""
        return self._transport.statistics

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
            except SessionLost:
                self._transport.lost()
        raise DeviceError(
            f"the board reset {MAX_RESETS} times during one task, so it crashes on it",
            "try the model on the native board, which says more",
        )

    def _open(self) -> None:
        payload = self._transport.open(OPEN_REQUEST.pack(PROTOCOL_VERSION))
        self._identity = parse_identity(payload, self._transport.boot)
        for what, found, wanted in (
            ("model", self._identity.model_sha256, self._model_sha256),
            ("image", self._identity.image_id, self._image_id),
        ):
            if wanted is not None and found != wanted:
                raise DeviceError(
                    f"{self._transport.port_name}: another {what} is on the board"
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
