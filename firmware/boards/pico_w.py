"""Raspberry Pi Pico W, and the Pico without radio: the log lies in the tail of the flash's file system.

The light must not be the one on the board: on a Pico W it hangs on the radio's chip, which takes 12 mA while it is
awake. What the registers say is from the RP2040's datasheet: sections 2.14 (chip level reset), 4.1.4 (USB), 4.7.6
(watchdog).
"""

import machine
import rp2
from machine import ADC, I2C, SPI, Pin
from micropython import const

from boards.chip_board import ChipBoard
from celltrail_protocol import codes
from celltrail_protocol.records import FRONT_SECTORS, PAGE_SIZE, SECTOR_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from logger.hardware import Board

_IOCTL_COUNT = const(4)
_IOCTL_ERASE = const(6)

_SPI_HZ = const(1000000)
_CHIP_RESET = const(0x40064008)
_HAD_RUN = const(0x10000)
_SCRATCH0 = const(0x4005800C)
_USB_SOF = const(0x50110048)
# Left in the watchdog's first scratch register by a restart that was wanted; "SOFT".
_WANTED = const(0x54464F53)
# The frame number counts once a millisecond while a host is there.
_SOF_MS = const(4)

WIRING = {
    "v": 1,
    "i2c": [4, 5, 400],
    "button": [14],
    "led": [15, 1],
    "battery": [28, 2000],
    "probes": [[codes.MODEL_TMP117, 0x48]],
    "accel": [codes.MODEL_ADXL372, 0x53, 13],
}


class TailFlash:
    """`logger.hardware.Flash` on the device behind the files; the port ignores errors, so the logic reads back."""

    def __init__(self) -> None:
        start = FRONT_SECTORS * SECTOR_SIZE
        self.sectors = (rp2.Flash().ioctl(_IOCTL_COUNT, 0) or 0) - FRONT_SECTORS
        self._flash = rp2.Flash(start=start, len=self.sectors * SECTOR_SIZE)

    def read_into(self, addr: int, buf: "bytearray | memoryview") -> None:
        """Fill `buf` with the bytes from `addr` on."""
        self._flash.readblocks(addr // SECTOR_SIZE, buf, addr % SECTOR_SIZE)

    def program(self, addr: int, data: "bytes | bytearray | memoryview") -> None:
        """Program whole pages; OSError for anything else, which the port would hand to the chip unchecked."""
        if addr % PAGE_SIZE or len(data) % PAGE_SIZE or not data:
            raise OSError("the flash takes whole pages of 256 bytes")
        self._flash.writeblocks(addr // SECTOR_SIZE, data, addr % SECTOR_SIZE)

    def erase(self, sector: int) -> None:
        """Set all bytes of one sector to 0xFF."""
        self._flash.ioctl(_IOCTL_ERASE, sector)


class PicoW(ChipBoard):
    """The board as `logger.hardware.Board` describes it."""

    radio_reserve = 24000

    def __init__(self) -> None:
        self.uid = machine.unique_id()
        self.reset_cause = _reset_cause()
        self._sof: int = machine.mem32[_USB_SOF]
        self._sof_ms = 0
        self._has_host = False
        super().__init__(TailFlash(), WIRING)

    def attached(self) -> bool:
        """Whether a host counts USB frames, which a charger does not."""
        now_ms = self.ticks_ms()
        if now_ms - self._sof_ms >= _SOF_MS:
            sof = machine.mem32[_USB_SOF]
            self._has_host = sof != self._sof
            self._sof, self._sof_ms = sof, now_ms
        return self._has_host

    def make_i2c(self, pins: "Sequence[int]") -> I2C:
        """Each pair of pins belongs to one of the two buses."""
        sda, scl, kHz = pins
        return I2C(sda // 2 % 2, sda=Pin(sda), scl=Pin(scl), freq=kHz * 1000)

    def make_spi(self, pins: "Sequence[int]") -> SPI:
        """Each group of eight pins belongs to one of the two buses; 1 MHz and mode 1 suit a MAX31865."""
        sck, mosi, miso = pins
        return SPI(sck // 8 % 2, baudrate=_SPI_HZ, polarity=0, phase=1, sck=Pin(sck), mosi=Pin(mosi), miso=Pin(miso))

    def pin_mV(self, pin: ADC) -> int:
        """Against the 3.3 V of the board."""
        return pin.read_u16() * 3300 // 65535

    def rest(self, ms: int) -> None:
        """About 1 mA. The tick counter goes on, and a pin's interrupt ends it."""
        machine.lightsleep(ms)

    def reset(self) -> None:
        """Restart, and let the next start know that it was wanted."""
        machine.mem32[_SCRATCH0] = _WANTED
        machine.reset()


def _reset_cause() -> int:
    """codes.RESET_*; a brown-out of this chip looks like a power-on."""
    wanted = machine.mem32[_SCRATCH0] == _WANTED
    machine.mem32[_SCRATCH0] = 0
    if machine.reset_cause() == machine.WDT_RESET:
        return codes.RESET_SOFT if wanted else codes.RESET_WATCHDOG
    return codes.RESET_PIN if machine.mem32[_CHIP_RESET] & _HAD_RUN else codes.RESET_POWER_ON


def make_board() -> "Board":
    """The board that this firmware runs on."""
    return PicoW()
