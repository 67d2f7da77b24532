"""A 1-Wire line with the methods of MicroPython's `onewire.OneWire`: open drain, so any chip's 0 wins."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Chip(Protocol):
        """One chip on the line, bit by bit."""

        def reset(self) -> bool:
            """A reset pulse; whether the chip answers with its presence."""

        def take(self, bit: int) -> None:
            """A write slot."""

        def drive(self) -> int:
            """What the chip does in a read slot: 0 pulls the line down, 1 leaves it."""


def crc8(data: "bytes | bytearray") -> int:
    """Maxim's CRC, x^8 + x^5 + x^4 + 1, least significant bit first; 0 over data with its CRC behind."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


class OneWireError(Exception):
    """No chip has answered a reset that needs one."""


class OneWireBus:
    """shorted: the line is held low, which looks like a presence."""

    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, *chips: "Chip") -> None:
        self._chips = list(chips)
        self.shorted = False

    def reset(self, required: bool = False) -> bool:
        """Whether somebody answered; OneWireError when nobody did and one is required."""
        present = [chip.reset() for chip in self._chips]
        answered = self.shorted or any(present)
        if required and not answered:
            raise OneWireError
        return answered

    def readbit(self) -> int:
        """One read slot."""
        bit = min((chip.drive() for chip in self._chips), default=1)
        return 0 if self.shorted else bit

    def readbyte(self) -> int:
        """Eight read slots, least significant bit first."""
        value = 0
        for i in range(8):
            value |= self.readbit() << i
        return value

    def readinto(self, buf: "bytearray | memoryview") -> None:
        """Fill `buf`."""
        for i in range(len(buf)):
            buf[i] = self.readbyte()

    def writebit(self, value: int) -> None:
        """One write slot."""
        for chip in self._chips:
            chip.take(0 if self.shorted else value & 1)

    def writebyte(self, value: int) -> None:
        """Eight write slots, least significant bit first."""
        for i in range(8):
            self.writebit(value >> i & 1)

    def write(self, buf: "bytes | bytearray") -> None:
        """Bytes in order."""
        for value in buf:
            self.writebyte(value)

    def select_rom(self, rom: "bytes | bytearray") -> None:
        """Reset, and speak to one chip."""
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, data: "bytes | bytearray") -> int:
        """Maxim's CRC."""
        return crc8(data)
