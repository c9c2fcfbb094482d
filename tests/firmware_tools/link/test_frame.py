"""The frame codec, Python's and C's: each decodes what the other encodes, and both drop alike."""

import struct
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_tools.link.frame import Decoder, encode
from tests.firmware_tools.conftest import FirmwareRun

# Flags and escapes far more often than chance would have them.
BYTES = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\x7e", b"\x7d", b"\x5e", b"\x5d", b"\x00", b"ab"]), max_size=60
).map(b"".join)


def split_bodies(listed: bytes) -> list[bytes]:
    """What the harness's `decode` prints."""
    bodies = []
    while listed:
        (length,) = struct.unpack_from("<I", listed)
        bodies.append(listed[4 : 4 + length])
        listed = listed[4 + length :]
    return bodies


@given(st.lists(BYTES, max_size=4))
def test_a_body_comes_back_and_only_flags_delimit(bodies: list[bytes]) -> None:
    line = b"".join(map(encode, bodies))
    assert Decoder().feed(line) == bodies
    assert line.count(b"\x7e") == 2 * len(bodies)


@given(st.lists(BYTES, min_size=1, max_size=4))
def test_a_closing_flag_may_open_the_next_frame(bodies: list[bytes]) -> None:
    line = b"".join(map(encode, bodies)).replace(b"\x7e\x7e", b"\x7e")
    assert Decoder().feed(line) == bodies


@given(BYTES, st.lists(st.integers(0, 700), max_size=6))
def test_how_the_line_is_cut_makes_no_difference(body: bytes, cuts: list[int]) -> None:
    line = b"noise" + encode(body) + encode(b"next")
    edges = [0, *sorted(cuts), len(line)]
    decoder = Decoder()
    found = [each for start, end in pairwise(edges) for each in decoder.feed(line[start:end])]
    assert found == [body, b"next"]


@given(st.binary(min_size=1, max_size=200), st.data())
def test_one_wrong_byte_never_yields_another_body(body: bytes, data: st.DataObject) -> None:
    line = bytearray(encode(body))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    assert Decoder().feed(bytes(line) + encode(b"next"))[-1:] == [b"next"]
    assert Decoder().feed(bytes(line)) in ([], [body])


def test_a_frame_that_never_ends_takes_no_memory() -> None:
    decoder = Decoder(capacity=64)
    for _ in range(1000):
        assert decoder.feed(b"\x7e" + 1000 * b"x") == []
        assert len(decoder._pending) < 1000
    assert decoder.feed(encode(b"still here")) == [b"still here"]


@settings(max_examples=40, deadline=None)
@given(body=BYTES)
def test_c_encodes_as_python_does(firmware_run: FirmwareRun, body: bytes) -> None:
    assert firmware_run(body, "encode") == encode(body)


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(BYTES | BYTES.map(encode), max_size=6), data=st.data())
def test_c_and_python_keep_and_drop_the_same_frames(
    firmware_run: FirmwareRun, pieces: list[bytes], data: st.DataObject
) -> None:
    line = bytearray(b"".join(pieces))
    for _ in range(data.draw(st.integers(0, 3))):
        if line:
            line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    kept = split_bodies(firmware_run(bytes(line), "decode", "200"))
    assert kept == Decoder(capacity=200).feed(bytes(line))
