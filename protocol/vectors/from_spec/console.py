"""SMP messages on a serial line, in one and in several lines, whole and broken (section 9.1)."""

import binascii
import struct
from base64 import b64encode
from collections.abc import Iterator

from from_spec.smp import CELLTRAIL, OS, READ_ANSWER, STATUS, WRITE, message
from from_spec.wire import DEVICE, Vector, vector

FIRST, NEXT = b"\x06\x09", b"\x04\x14"
FULL = 93  # bytes whose base64 fills a line of 127 with its two marks and the newline


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM."""
    return binascii.crc_hqx(data, 0)


def packet(body: bytes, crc: int | None = None, length: int | None = None) -> bytes:
    """Length, message, check."""
    check = crc16(body) if crc is None else crc
    return struct.pack(">H", len(body) + 2 if length is None else length) + body + struct.pack(">H", check)


def lines(data: bytes, size: int = FULL) -> list[bytes]:
    """The packet in lines of `size` bytes of it each."""
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    return [(NEXT if i else FIRST) + b64encode(part) + b"\n" for i, part in enumerate(parts)]


def framed(body: bytes, size: int = FULL) -> bytes:
    return b"".join(lines(packet(body), size))


ECHO = message(WRITE, OS, 0, {"d": "hello"}, version=0)
LONG = message(READ_ANSWER, CELLTRAIL, 0, STATUS)
RAW = bytes(range(256))


def whole(name: str, data: bytes, bodies: list[bytes], canonical: bool = False) -> Vector:
    return vector(name, DEVICE, data, messages=bodies, canonical=canonical)


def valid() -> Iterator[Vector]:
    assert crc16(b"123456789") == 0x31C3
    yield whole("one-line", framed(ECHO), [ECHO], True)
    yield whole("one-byte", framed(b"x"), [b"x"], True)
    for size in (88, 89, 90):
        yield whole(f"body-of-{size}", framed(RAW[:size]), [RAW[:size]], True)
    yield whole("several-lines", framed(LONG), [LONG], True)
    yield whole("longest-message", framed((RAW * 5)[:1200]), [(RAW * 5)[:1200]], True)
    yield whole("shorter-lines", framed(LONG, 90), [LONG])
    yield whole("tiny-lines", framed(ECHO, 3), [ECHO])
    yield whole("two-messages", framed(ECHO) + framed(LONG), [ECHO, LONG])
    yield whole("text-between", b"boot: ok\r\n" + framed(ECHO) + b">>> print(1)\r\n1\r\n" + framed(ECHO), [ECHO, ECHO])
    yield whole("text-in-front", b"boot>>> " + framed(ECHO), [ECHO])
    yield whole("text-in-front-of-full-line", b"boot>>> " + framed(LONG), [LONG])
    first, *rest = lines(packet(LONG))
    yield whole("text-within", first + b"warning: bus slow\n" + b"".join(rest), [LONG])
    yield whole("new-first-drops-the-old", first + framed(ECHO), [ECHO])
    yield whole("after-a-long-text-line", b"-" * 500 + b"\n" + framed(ECHO), [ECHO])
    yield whole("empty-lines", b"\n\n\r\n" + framed(ECHO) + b"\n", [ECHO])


def dropped(name: str, data: bytes, error: str) -> Vector:
    """A stream with a bad message and then a good one, which a reader must still find."""
    return vector(name, DEVICE, data + framed(ECHO), messages=[ECHO], error=error)


def invalid() -> Iterator[Vector]:
    good = b"".join(lines(packet(RAW[:200])))
    split = lines(packet(RAW[:200]))
    yield dropped("crc-wrong", b"".join(lines(packet(RAW[:20], crc16(RAW[:20]) ^ 1))), "the CRC-16 is wrong by a bit")
    ccitt = binascii.crc_hqx(RAW[:20], 0xFFFF)
    yield dropped("crc-ccitt", b"".join(lines(packet(RAW[:20], ccitt))), "the CRC-16 starts with 0xFFFF")
    over_length = crc16(struct.pack(">H", 22) + RAW[:20])
    yield dropped("crc-over-length", b"".join(lines(packet(RAW[:20], over_length))), "the CRC-16 covers the length")
    swapped = packet(RAW[:20])[:-2] + packet(RAW[:20])[:-3:-1]
    yield dropped("crc-little-endian", b"".join(lines(swapped)), "the CRC-16 is little-endian")
    yield dropped("length-too-small", b"".join(lines(packet(RAW[:20], length=21))), "a byte more than the length says")
    yield dropped("length-too-large", b"".join(lines(packet(RAW[:20], length=23))), "the last line is missing")
    yield dropped("length-zero", b"".join(lines(packet(b"", length=0))), "the length leaves no room for the check")
    yield dropped("length-one", FIRST + b64encode(b"\x00\x01\x00") + b"\n", "the length leaves no room for the check")
    yield dropped("length-cut", FIRST + b64encode(b"\x00") + b"\n", "half of the length")
    yield dropped("line-empty", FIRST + b"\n", "nothing behind the mark")
    yield dropped("middle-line-missing", split[0] + split[2], "the second line is missing")
    yield dropped("last-line-missing", b"".join(split[:-1]), "the last line is missing")
    yield dropped("next-without-first", NEXT + split[0][2:], "a next line without a first one")
    yield dropped("not-base64", FIRST + b"AAcB!@#$\n", "characters that base64 does not have")
    yield dropped("base64-cut", split[0][:-2] + b"\n" + b"".join(split[1:]), "a line's base64 is one character short")
    long_line = b"".join(lines(packet(RAW[:92]), 96))
    assert max(map(len, long_line.splitlines(keepends=True))) == 131
    yield dropped("line-of-131", long_line, "a line of more than 127 bytes")
    yield dropped("line-of-128", split[0][:-1] + b" \n" + b"".join(split[1:]), "a line of 128 bytes")
    yield dropped("line-endless", FIRST + b"A" * 3000 + b"\n", "a line of 3003 bytes")
    yield dropped("message-of-1201", framed((RAW * 5)[:1201]), "a message of more than 1200 bytes")
    yield dropped("message-of-65533", b"".join(lines(packet(RAW[:91], length=0xFFFF))), "a message of 65,533 bytes")
    yield dropped("mark-swapped", b"\x09\x06" + good[2:], "the first line's mark is swapped")
