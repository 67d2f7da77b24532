"""An SPI bus with `machine.SPI`'s methods, its chip-select pins, and what modelled chips on it have in common."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class SPIChip(Protocol):
        """A chip that is told of its select line and exchanges bytes while it is low."""

        def select(self) -> None:
            """The line goes low."""

        def exchange(self, sent: int) -> int:
            """One byte each way."""

        def deselect(self) -> None:
            """The line goes high."""


# What the pulled-up line reads when nobody drives it.
_IDLE = 0xFF


class SelectPin:
    """A chip-select output: `pin(0)` and `pin.value(0)` as `machine.Pin` takes them."""

    def __init__(self, chip: "SPIChip") -> None:
        self.chip = chip
        self.low = False

    def __call__(self, level: int) -> None:
        low = not level
        if low and not self.low:
            self.chip.select()
        elif self.low and not low:
            self.chip.deselect()
        self.low = low

    def value(self, level: int) -> None:
        """Set the line."""
        self(level)


class SPIBus:
    """Exchanges bytes with the chip whose select line is low; two at once would fight: OSError."""

    def __init__(self) -> None:
        self._pins: "list[SelectPin]" = []

    def attach(self, chip: "SPIChip") -> SelectPin:
        """Wire up a chip; its select pin."""
        pin = SelectPin(chip)
        self._pins.append(pin)
        return pin

    def _exchange(self, sent: int) -> int:
        chips = [pin.chip for pin in self._pins if pin.low]
        if len(chips) > 1:
            raise OSError("two chips are selected")
        return chips[0].exchange(sent) if chips else _IDLE

    def write(self, buf: "bytes | bytearray") -> None:
        """Send bytes, drop what comes."""
        for sent in buf:
            self._exchange(sent)

    def readinto(self, buf: "bytearray | memoryview", write: int = 0x00) -> None:
        """Fill `buf` while sending `write`."""
        for i in range(len(buf)):
            buf[i] = self._exchange(write)

    def write_readinto(self, write_buf: "bytes | bytearray", read_buf: "bytearray | memoryview") -> None:
        """Exchange two buffers of one length; ValueError."""
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        for i in range(len(write_buf)):
            read_buf[i] = self._exchange(write_buf[i])
