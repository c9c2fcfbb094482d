"""PROTOCOL.md, protocol.h and protocol.py say the same, and the firmware does what they say."""

import re
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from firmware_tools.board.registry import FIRMWARE
from firmware_tools.link import protocol
from firmware_tools.link.frame import Decoder, encode
from firmware_tools.link.protocol import HEADER, Dtype, Error, Kind, Type
from tests.firmware_tools.conftest import FirmwareRun
from tests.firmware_tools.toy import toy_output, toy_windows

PAGE = (Path(protocol.__file__).parent / "PROTOCOL.md").read_text(encoding="utf-8")
SESSION, BOOT = 0x7E112233, 7
UNPACKED = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f", "i32": "i"}


def table(heading: str) -> list[list[str]]:
    """The rows of the page's table with these column names, cells stripped."""
    found = re.search(rf"^\| {re.escape(heading)} \|\n\|[-|]+\|\n((?:\|.*\|\n)+)", PAGE, re.M)
    assert found, f"no table {heading}"
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in found[1].splitlines()]


def section(title: str) -> list[list[str]]:
    """The rows of the field table in one section."""
    text = PAGE[PAGE.index(title) :]
    rows = next(block for block in text.split("\n\n") if block.startswith("|")).splitlines()[2:]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in rows]


def test_the_board_has_a_handler_for_every_request() -> None:
    source = (FIRMWARE / "requests.c").read_text(encoding="utf-8")
    handled = set(re.findall(r"\[MF_(\w+)\] = \{", source))
    assert handled == {kind.name for kind in Type} - {"ERROR"}


def header_constants() -> dict[str, int]:
    text = (FIRMWARE / "protocol.h").read_text(encoding="utf-8")
    return {name: int(value, 0) for name, value in re.findall(r"MF_(\w+) = (\w+)", text)}


def request(kind: int, sequence: int, payload: bytes = b"", *, session: int = SESSION) -> bytes:
    boot = 0 if kind == Type.OPEN else BOOT
    return encode(HEADER.pack(kind, 0, sequence, session, boot) + payload)


def answers(line: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """type, sequence, session and payload of each."""
    for body in Decoder().feed(line):
        kind, _, sequence, session, boot = HEADER.unpack_from(body)
        assert boot == BOOT
        yield kind, sequence, session, body[HEADER.size :]


def members(words: type[IntEnum]) -> dict[str, int]:
    return {word.name: word.value for word in words}


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("code | type | request's payload | answer's payload", Type),
        ("code | kind of tensor", Kind),
        ("code | dtype", Dtype),
        ("code | error | meaning", Error),
    ],
)
def test_page_and_host_have_the_same_codes(heading: str, words: type[IntEnum]) -> None:
    assert {row[1]: int(row[0], 16) for row in table(heading)} == members(words)


def test_header_and_host_have_the_same_codes() -> None:
    constants = header_constants()
    kinds = {f"KIND_{name}": value for name, value in members(Kind).items()}
    types = {f"DTYPE_{name}": value for name, value in members(Dtype).items()}
    expected = members(Type) | members(Error) | kinds | types
    words = "PROTOCOL_VERSION FLAG ESCAPE ESCAPE_XOR CRC_BYTES IMAGE_ID_BYTES REPLY"
    for name in words.split():
        expected[name] = getattr(protocol, name)
    fields = {row[2].partition(":")[0]: int(row[0]) for row in section("## Header")}
    for name in ("type", "sequence", "session", "boot"):
        expected[f"AT_{name.upper()}"] = fields[name]
    expected |= {"HEADER_BYTES": HEADER.size, "OK": 0}
    assert constants == expected


def test_page_and_host_lay_out_the_same_fields() -> None:
    def packed(rows: list[list[str]]) -> str:
        return "<" + "".join(UNPACKED.get(row[1], "32s") for row in rows)

    def offsets(form: str) -> list[int]:
        return [struct.calcsize(form[: end + 1]) for end in range(len(form[1:]))]

    header = section("## Header")
    assert packed(header) == HEADER.format
    assert [int(row[0]) for row in header] == offsets(HEADER.format)
    identity = section("### Identity")[:13]
    assert packed(identity[:11]) == "<" + 8 * "H" + 3 * "I"
    assert protocol.IDENTITY.format == "<8H3I32s16s"
    assert [row[1] for row in identity[11:]] == ["32 bytes", "16 bytes"]
    assert [int(row[0]) for row in identity] == [*offsets("<" + 8 * "H" + 3 * "I"), 28, 60]
    tensor = section("### Tensor")[:6]
    assert packed(tensor) == protocol.INFO_ANSWER.format
    assert [int(row[0]) for row in tensor] == offsets(protocol.INFO_ANSWER.format)
    requests = {
        row[1]: row[2:] for row in table("code | type | request's payload | answer's payload")
    }

    def fields(cell: str) -> str:
        return "<" + "".join(UNPACKED.get(part.split()[-1], "") for part in cell.split(","))

    assert fields(requests["OPEN"][0]) == protocol.OPEN_REQUEST.format
    assert fields(requests["INFO"][0]) == protocol.INFO_REQUEST.format
    assert fields(requests["WRITE"][0]) == protocol.WRITE_REQUEST.format
    assert fields(requests["INVOKE"][1]) == protocol.INVOKE_ANSWER.format
    assert fields(requests["READ"][0]) == protocol.READ_REQUEST.format
    assert fields(requests["READ"][1]) == protocol.READ_ANSWER.format
    assert fields(requests["PROFILE"][0]) == protocol.PROFILE_REQUEST.format
    assert fields(requests["PROFILE"][1]) == protocol.PROFILE_ANSWER.format


def test_the_page_s_example_is_what_the_firmware_does(firmware_run: FirmwareRun) -> None:
    lines = re.search(r"```\n(> 7e .*?)```", PAGE, re.S)
    assert lines
    sent, expected = b"", []
    for line in lines[1].splitlines():
        if line.startswith("> "):
            sent += bytes.fromhex(line[2:])
        else:
            expected.append(None if line == "< identity" else bytes.fromhex(line[2:]))
    received = firmware_run(sent, "serve")
    frames = [b"\x7e" + part + b"\x7e" for part in received.split(b"\x7e") if part]
    assert len(frames) == len(expected)
    for frame, wanted in zip(frames, expected, strict=True):
        assert wanted is None or frame == wanted
    identity = protocol.parse_identity(Decoder().feed(frames[0])[0][HEADER.size :], BOOT)
    assert (identity.board, identity.firmware_version) == ("harness", "0")
    assert (identity.inputs, identity.outputs, identity.tensors, identity.ops) == (2, 1, 2, 2)
    assert (identity.write_bytes, identity.read_bytes, identity.outstanding) == (256, 1024, 1)
    assert identity.model_sha256.startswith("0102030400")
    assert identity.image_id == "a0a1" + 14 * "00"


def test_each_refusal_has_its_code(firmware_run: FirmwareRun) -> None:
    write = protocol.WRITE_REQUEST.pack
    read = protocol.READ_REQUEST.pack
    steps = [
        (Type.WRITE, 1, b"", Error.UNKNOWN_SESSION),
        (Type.OPEN, 0, b"\x02\x00", None),
        (Type.WRITE, 5, b"", Error.OUT_OF_SEQUENCE),
        (0x66, 1, b"", Error.UNKNOWN_TYPE),
        (Type.INFO, 2, b"\x00", Error.BAD_LENGTH),
        (Type.INFO, 3, b"\x00\x02\x00", Error.NO_SUCH_TENSOR),
        (Type.INFO, 4, b"\x03\x00\x00", Error.NO_SUCH_TENSOR),
        (Type.WRITE, 5, write(0, 0)[:5], Error.BAD_LENGTH),
        (Type.WRITE, 6, write(2, 0), Error.NO_SUCH_TENSOR),
        (Type.WRITE, 7, write(0, 5) + b"ab", Error.OUT_OF_RANGE),
        (Type.WRITE, 8, write(0, 0xFFFFFFFF) + b"ab", Error.OUT_OF_RANGE),
        (Type.INVOKE, 9, b"x", Error.BAD_LENGTH),
        (Type.INVOKE, 10, b"", Error.NOT_READY),
        (Type.READ, 11, b"", Error.BAD_LENGTH),
        (Type.READ, 12, read(1, 0, 0, 5), Error.NOT_READY),
        (Type.READ, 13, read(1, 0, 1, 5), Error.OUT_OF_RANGE),
        (Type.READ, 14, read(1, 1, 0, 5), Error.NO_SUCH_TENSOR),
        (Type.PROFILE, 15, b"\x00", Error.BAD_LENGTH),
        (Type.PROFILE, 16, protocol.PROFILE_REQUEST.pack(3), Error.OUT_OF_RANGE),
        (Type.PROFILE, 17, protocol.PROFILE_REQUEST.pack(2), Error.NOT_READY),
    ]
    line = b"".join(request(kind, sequence, payload) for kind, sequence, payload, _ in steps)
    received = list(answers(firmware_run(line, "serve")))
    assert len(received) == len(steps)
    for (kind, sequence, _, error), answer in zip(steps, received, strict=True):
        if error is None:
            assert answer[:3] == (kind | protocol.REPLY, sequence, SESSION)
        else:
            assert answer == (Type.ERROR, sequence, SESSION, bytes([error]))


def test_echoes_late_copies_and_repetitions(firmware_run: FirmwareRun) -> None:
    window = toy_windows(1, seed=1)[0]
    write = protocol.WRITE_REQUEST.pack
    requests = [
        request(Type.OPEN, 0xFFFD, b"\x02\x00"),
        request(Type.WRITE, 0xFFFE, write(0, 0) + window[0]),
        *(
            request(
                Type.WRITE, (0xFFFF + i) & 0xFFFF, write(1, 256 * i) + window[1][256 * i :][:256]
            )
            for i in range(3)
        ),
        request(Type.INVOKE, 2),
        request(Type.READ, 3, protocol.READ_REQUEST.pack(Kind.OUTPUT, 0, 0, 5)),
    ]
    late = request(Type.WRITE, 0xFFFE, write(0, 0) + b"999999")
    echo = encode(HEADER.pack(Type.READ | protocol.REPLY, 0, 4, SESSION, BOOT))
    line = b"".join(2 * each for each in requests[:-1]) + late + echo + requests[-1]
    received = list(answers(firmware_run(line, "serve")))
    assert len(received) == 2 * len(requests) - 1
    for at in range(0, len(received) - 1, 2):
        assert received[at] == received[at + 1]
    assert received[-1] == (0x85, 3, SESSION, bytes(4) + toy_output(window))


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(1, 2**31 - 1))
def test_hostile_streams(firmware_run: FirmwareRun, seed: int) -> None:
    """20,000 streams a seed; within them, requests that are right, so that they get far."""
    done = firmware_run(b"", "fuzz", str(seed), "20000")
    inferences = int(done.split()[0])
    assert inferences > 20000 // 8 + 500
