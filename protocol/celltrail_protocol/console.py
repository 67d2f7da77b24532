"""SMP messages as lines of text on a serial line (SPEC.md section 9.1)."""

import struct
from binascii import a2b_base64, b2a_base64

from celltrail_protocol.smp import LONGEST_MESSAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer

FIRST = b"\x06\x09"
NEXT = b"\x04\x14"
LONGEST_LINE = 127
# 124 base64 characters fill a line: 2 bytes of start, 124, newline.
_A_LINE = 93


def _make_table() -> bytes:
    # High and low bytes of the CRC of each byte value: 512 bytes once instead of 8 shifts a byte.
    table = bytearray(512)
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
        table[byte] = crc >> 8
        table[byte + 256] = crc & 0xFF
    return bytes(table)


_TABLE = _make_table()


def crc16(data: "Buffer") -> int:
    """CRC-16/XMODEM: polynomial 0x1021, start 0."""
    table = _TABLE
    high = low = 0
    for byte in data:
        index = high ^ byte
        high = low ^ table[index]
        low = table[index + 256]
    return high << 8 | low


def encode(message: "Buffer") -> "list[bytes]":
    """The lines that carry one message."""
    whole = struct.pack(">H", len(message) + 2) + bytes(message) + struct.pack(">H", crc16(message))
    return [
        (FIRST if at == 0 else NEXT) + b2a_base64(whole[at : at + _A_LINE]).strip() + b"\n"
        for at in range(0, len(whole), _A_LINE)
    ]


class Reader:
    """Finds messages in a stream of bytes that may hold other text; bounded, never raises on content."""

    def __init__(self) -> None:
        self.dropped = 0
        self._line = bytearray()
        self._message = bytearray()

    def feed(self, data: "Buffer") -> "list[bytes]":
        """The whole messages that `data` completes."""
        messages: "list[bytes]" = []
        line = self._line
        for byte in data:
            if byte == 10:
                self._end_line(messages)
                line = self._line
            elif len(line) < LONGEST_LINE:
                line.append(byte)
                if len(line) == 2 and line not in (FIRST, NEXT):
                    # Other text: a mark may still begin with its last byte.
                    line[:] = line[1:]
        return messages

    def is_empty(self) -> bool:
        """Whether no line or message has begun."""
        return not self._line and not self._message

    def _drop(self) -> None:
        self.dropped += 1
        self._message = bytearray()

    def _end_line(self, messages: "list[bytes]") -> None:
        line = self._line
        self._line = bytearray()
        if len(line) < 2:
            return
        first = line[:2] == FIRST
        if len(line) >= LONGEST_LINE:
            return self._drop()
        if first and self._message:
            self._drop()
        if not first and not self._message:
            return self._drop()
        try:
            self._message.extend(a2b_base64(line[2:]))
        except ValueError:
            return self._drop()
        self._finish(messages)

    def _finish(self, messages: "list[bytes]") -> None:
        if len(self._message) < 2:
            return self._drop()
        length = self._message[0] << 8 | self._message[1]
        if not 2 <= length <= LONGEST_MESSAGE + 2 or len(self._message) > length + 2:
            return self._drop()
        if len(self._message) < length + 2:
            return
        message = bytes(self._message[2:-2])
        if crc16(message) != self._message[-2] << 8 | self._message[-1]:
            return self._drop()
        messages.append(message)
        self._message = bytearray()
