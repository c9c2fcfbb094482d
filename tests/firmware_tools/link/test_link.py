"""The link over real pseudo-terminals, to boards that answer, lie, vanish and come back."""

import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import serial

from firmware_tools.board.registry import read_board
from firmware_tools.emulate.boot import open_session
from firmware_tools.emulate.process import Process
from firmware_tools.link.frame import encode
from firmware_tools.link.protocol import HEADER, Kind
from firmware_tools.link.requests import MAX_RESETS, Link
from firmware_tools.link.transport import Transport
from midfuse.core.errors import DeviceError
from midfuse.core.results import Image
from tests.firmware_tools.link.lossy_line import Faults, lossy_line
from tests.firmware_tools.toy import (
    TOY_OUTPUT_BYTES,
    TOY_SHA256,
    toy_output,
    toy_sum,
    toy_windows,
)

NATIVE = read_board("native")


@contextmanager
def far_end(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A port whose other end answers whatever it reads."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def work() -> None:
        while received := os.read(ours, 4096):
            if received.endswith(b"stop"):
                return
            os.write(ours, answer(received))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.write(theirs, b"stop")
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_a_window_and_what_the_board_says_of_itself(toy_native: Image) -> None:
    with open_session(toy_native, NATIVE) as session:
        assert session.identity.board == "native"
        assert session.identity.model_sha256 == TOY_SHA256
        assert session.identity.image_id == toy_native.image_id
        assert session.identity.ticks_per_second == 1_000_000_000
        inputs = session.link.tensors(Kind.INPUT, session.identity.inputs)
        assert [(t.name, t.shape, t.bytes) for t in inputs] == [
            ("a", (1, 2, 3), 6),
            ("b", (1, 700), 700),
        ]
        assert [(t.scale, t.zero_point) for t in inputs] == [(0.5, 3), (0.25, -128)]
        for window in toy_windows(20, seed=0):
            answer = session.link.run_window(window, TOY_OUTPUT_BYTES, (700, 5))
            assert answer.outputs == [toy_output(window)]
            assert answer.tensors == [toy_sum(window), toy_output(window)]
            assert answer.ticks > 0
        assert session.link.statistics.retries == 0


def test_steps_are_timed_over_a_line_that_loses_and_a_board_that_resets(toy_native: Image) -> None:
    faults = Faults(0.02, 0.02, 0.02, 0.03, 0.03, 0.03, reset_every=80)
    with lossy_line(toy_native.elf, faults, seed=3) as line, serial.Serial(line.port) as port:
        link = Link(Transport(port, reply_timeout=0.02, patience=30, inference_patience=30))
        link.open(TOY_SHA256)
        for window in toy_windows(15, seed=9):
            adding, folding = link.step_ticks(window)
            assert adding > 0
            assert folding > 0
            assert link.run_window(window, TOY_OUTPUT_BYTES).outputs == [toy_output(window)]
    assert link.statistics.resets > 0


@pytest.mark.parametrize(
    "faults",
    [
        Faults(drop=0.04, repeat=0.04),
        Faults(flip=0.03, cut=0.02, noise=0.05),
        Faults(delay=0.05, repeat=0.05),
        Faults(reset_every=100),
        Faults(0.02, 0.02, 0.02, 0.03, 0.03, 0.03, reset_every=200),
    ],
    ids=["drop", "damage", "delay", "reset", "everything"],
)
def test_every_window_gets_one_right_answer(toy_native: Image, faults: Faults) -> None:
    windows = toy_windows(80, seed=5)
    with lossy_line(toy_native.elf, faults, seed=11) as line, serial.Serial(line.port) as port:
        link = Link(Transport(port, reply_timeout=0.02, patience=30, inference_patience=30))
        link.open(TOY_SHA256)
        answers = [link.run_window(window, TOY_OUTPUT_BYTES) for window in windows]
    assert [each.outputs for each in answers] == [[toy_output(window)] for window in windows]
    for fault in ("drop", "flip", "cut", "repeat", "delay", "noise"):
        assert (line.done.get(fault, 0) > 0) == (getattr(faults, fault) > 0)
    assert (link.statistics.resets > 0) == (faults.reset_every > 0)
    assert link.statistics.resets < line.done["boots"]


def test_a_board_that_resets_every_time_is_given_up(toy_native: Image) -> None:
    with (
        lossy_line(toy_native.elf, Faults(reset_every=5), seed=1) as line,
        serial.Serial(line.port) as port,
    ):
        link = Link(Transport(port, reply_timeout=0.02, patience=30))
        link.open()
        window = toy_windows(1, seed=1)[0]
        with pytest.raises(DeviceError, match=f"reset {MAX_RESETS} times"):
            link.run_window(window, TOY_OUTPUT_BYTES)


@pytest.mark.parametrize(("what", "key"), [("model", "model_sha256"), ("image", "image_id")])
def test_another_model_or_image_on_the_board(toy_native: Image, what: str, key: str) -> None:
    found = getattr(toy_native, key)
    other = toy_native.model_copy(update={key: "ff" * 32})
    with (
        pytest.raises(DeviceError, match=f"another {what} is on the board .{found[:12]}…, not fff"),
        open_session(other, NATIVE),
    ):
        pass


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: b"", "no answer within 0.3 s"),
        (lambda _: b"login: ", "noise on the line, .* no valid frame"),
        (lambda received: received[: len(received) // 2], "noise on the line"),
        (lambda received: received, "none of them the answer"),
        (lambda _: encode(b"short"), "none of them the answer"),
    ],
    ids=["silence", "noise", "half", "echo", "short"],
)
def test_what_is_no_answer_is_named(answer: Callable[[bytes], bytes], message: str) -> None:
    with far_end(answer) as name, serial.Serial(name) as port:
        started = time.monotonic()
        with pytest.raises(DeviceError, match=message) as caught:
            Link(Transport(port, reply_timeout=0.05, patience=0.3)).open()
        assert name in caught.value.problem
        assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ((9).to_bytes(2, "little") + bytes(90), "speaks protocol version 9, this midfuse 2"),
        ((2).to_bytes(2, "little"), "identity is malformed"),
    ],
    ids=["version", "malformed"],
)
def test_a_board_of_another_version(payload: bytes, message: str) -> None:
    def answer(received: bytes) -> bytes:
        kind, _, sequence, session, _ = HEADER.unpack_from(
            received.replace(b"\x7d\x5e", b"~").replace(b"\x7d\x5d", b"}")[1:]
        )
        return encode(HEADER.pack(kind | 0x80, 0, sequence, session, 1) + payload)

    with far_end(answer) as name, serial.Serial(name) as port:
        link = Link(Transport(port))
        with pytest.raises(DeviceError, match=message):
            link.open()


def test_a_board_that_dies_says_why(toy_native: Image) -> None:
    """Killed within the session: the port goes, and the error names the process's end."""

    def session_with_a_dying_board() -> None:
        with Process().boot(toy_native.elf) as running, serial.Serial(running.port) as port:
            link = Link(Transport(port, patience=1))
            link.open()
            running.process.kill()
            running.process.wait()
            link.run_window(toy_windows(1, seed=0)[0], TOY_OUTPUT_BYTES)

    with pytest.raises(DeviceError, match="ended with signal SIGKILL") as caught:
        session_with_a_dying_board()
    assert "\n" not in str(caught.value)
