"""Drivers, one chip and one file each; here is the register access that they share."""

import errno

from celltrail_protocol import codes
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C


class I2CChip:
    """A chip with 8-bit register addresses; every method raises SensorFault when the bus fails."""

    def __init__(self, i2c: "I2C", address: int) -> None:
        self._i2c = i2c
        self._address = address
        self._one = bytearray(1)

    def _read_into(self, register: int, buf: "bytearray | memoryview") -> None:
        try:
            self._i2c.readfrom_mem_into(self._address, register, buf)
        except OSError as error:
            raise SensorFault(self._fault(error))

    def _write(self, register: int, data: "bytes | bytearray") -> None:
        try:
            self._i2c.writeto_mem(self._address, register, data)
        except OSError as error:
            raise SensorFault(self._fault(error))

    def _read_byte(self, register: int) -> int:
        self._read_into(register, self._one)
        return self._one[0]

    def _write_byte(self, register: int, value: int) -> None:
        self._one[0] = value
        self._write(register, self._one)

    def _fault(self, error: OSError) -> int:
        """FAULT_ABSENT or FAULT_BUS. Ports differ: a missing chip is ENODEV on ESP32 and EIO on RP2."""
        if error.args[0] == errno.ENODEV:
            return codes.FAULT_ABSENT
        if error.args[0] == errno.ETIMEDOUT:
            return codes.FAULT_BUS
        try:
            # An empty write asks for nothing but the acknowledgement of the address.
            self._i2c.writeto(self._address, b"")
        except OSError:
            return codes.FAULT_ABSENT
        return codes.FAULT_BUS
