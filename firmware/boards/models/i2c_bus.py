"""An I2C bus with `machine.I2C`'s methods, and what all modelled chips on it have in common."""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class ChipModel:
    """A chip with byte-wide registers; subclasses define what a register reads and what a write does.

    fail: what a test wants to go wrong: None, "nack" (no answer at all), "bus" (answers, then the transfer
    fails), "timeout" (the clock line hangs), or "wrong_id" (another chip answers).
    """

    def __init__(self, address: int) -> None:
        self.address = address
        self.fail: "str | None" = None
        self.pointer = 0

    def present(self) -> bool:
        """Whether the chip acknowledges its address."""
        return self.fail != "nack"

    def read(self, register: int, buf: "bytearray | memoryview") -> None:
        """Serve one read transfer."""
        for i in range(len(buf)):
            buf[i] = self.read_register(register)
            register = self.next_register(register)

    def write(self, register: int, data: "bytes | bytearray | memoryview") -> None:
        """Serve one write transfer."""
        for value in data:
            self.write_register(register, value)
            register = self.next_register(register)

    def next_register(self, register: int) -> int:
        """The register that follows in the same transfer."""
        return (register + 1) & 0xFF

    def read_register(self, register: int) -> int:
        """Value that is sent for one byte."""
        raise NotImplementedError

    def write_register(self, register: int, value: int) -> None:
        """Effect of one byte."""
        raise NotImplementedError


class I2CBus:
    """Routes transfers to the chips by address.

    absent_errno: what a transfer to nobody raises. ESP32 and SoftI2C say ENODEV; the RP2's hardware says EIO,
    except for an empty write, for which it falls back to SoftI2C.
    """

    def __init__(self, chips: "Iterable[ChipModel]" = (), absent_errno: int = errno.ENODEV) -> None:
        self._absent_errno = absent_errno
        self._chips: "dict[int, ChipModel]" = {}
        for chip in chips:
            self.attach(chip)

    def attach(self, chip: ChipModel) -> None:
        """Wire up a chip; ValueError when its address is taken."""
        if chip.address in self._chips:
            raise ValueError("two chips with address 0x%02x on one bus" % chip.address)
        self._chips[chip.address] = chip

    def _chip(self, address: int, empty: bool = False) -> ChipModel:
        chip = self._chips.get(address)
        if chip is None or not chip.present():
            raise OSError(errno.ENODEV if empty else self._absent_errno)
        if not empty and chip.fail == "bus":
            raise OSError(errno.EIO)
        if chip.fail == "timeout":
            raise OSError(errno.ETIMEDOUT)
        return chip

    def scan(self) -> "list[int]":
        """Addresses that acknowledge."""
        return sorted(address for address, chip in self._chips.items() if chip.present())

    def writeto(self, address: int, buf: "bytes | bytearray", stop: bool = True) -> int:
        """The first byte sets the register pointer, the others are written; the bytes acknowledged."""
        chip = self._chip(address, not buf)
        if buf:
            chip.pointer = buf[0]
            chip.write(buf[0], buf[1:])
        return len(buf)

    def readfrom_into(self, address: int, buf: "bytearray | memoryview", stop: bool = True) -> None:
        """Read from the register that was set last."""
        chip = self._chip(address)
        chip.read(chip.pointer, buf)

    def readfrom(self, address: int, nbytes: int, stop: bool = True) -> bytes:
        """Read from the register that was set last."""
        buf = bytearray(nbytes)
        self.readfrom_into(address, buf)
        return bytes(buf)

    def writeto_mem(self, address: int, memaddr: int, buf: "bytes | bytearray", addrsize: int = 8) -> None:
        """Write from a register on."""
        chip = self._chip(address)
        chip.pointer = memaddr
        chip.write(memaddr, buf)

    def readfrom_mem_into(self, address: int, memaddr: int, buf: "bytearray | memoryview", addrsize: int = 8) -> None:
        """Read from a register on."""
        chip = self._chip(address)
        chip.pointer = memaddr
        chip.read(memaddr, buf)

    def readfrom_mem(self, address: int, memaddr: int, nbytes: int, addrsize: int = 8) -> bytes:
        """Read from a register on."""
        buf = bytearray(nbytes)
        self.readfrom_mem_into(address, memaddr, buf)
        return bytes(buf)
