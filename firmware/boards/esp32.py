"""ESP32 boards: classic, S3 and C3 differ by their pins, and by which of these wake the chip.

The log lies in the tail of the partition that holds the files. The watchdog is that of the chip's tasks.
"""

import esp32
import machine
from machine import ADC, I2C, SPI, Pin
from micropython import const

from boards.chip_board import ChipBoard
from celltrail_protocol import codes
from celltrail_protocol.records import FRONT_SECTORS, PAGE_SIZE, SECTOR_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from celltrail_protocol.wiring import Wiring
    from logger.hardware import Board

_IOCTL_COUNT = const(4)
_IOCTL_ERASE = const(6)

_SPI_HZ = const(1000000)

# The interrupt and, but on a C3, the button must be on pins that wake the chip (RTC pins; 0 to 5 on a C3).
_PROBES = [[codes.MODEL_TMP117, 0x48]]
WIRINGS: "dict[str, Wiring]" = {
    "ESP32": {
        "v": 1,
        "i2c": [21, 22, 400],
        "button": [33],
        "led": [26, 1],
        "battery": [35, 2000],
        "probes": _PROBES,
        "accel": [codes.MODEL_ADXL372, 0x53, 32],
    },
    "ESP32S3": {
        "v": 1,
        "i2c": [8, 9, 400],
        "button": [4],
        "led": [6, 1],
        "battery": [1, 2000],
        "probes": _PROBES,
        "accel": [codes.MODEL_ADXL372, 0x53, 5],
    },
    "ESP32C3": {
        "v": 1,
        "i2c": [6, 7, 400],
        "button": [4],
        "led": [10, 1],
        "battery": [0, 2000],
        "probes": _PROBES,
        "accel": [codes.MODEL_ADXL372, 0x53, 3],
    },
}

_CAUSES = {
    machine.PWRON_RESET: codes.RESET_POWER_ON,
    machine.HARD_RESET: codes.RESET_PIN,
    machine.WDT_RESET: codes.RESET_WATCHDOG,
    machine.SOFT_RESET: codes.RESET_SOFT,
    # A wake that goes on where it was is no start, and tells of none.
    machine.DEEPSLEEP_RESET: codes.RESET_SLEEP,
}


class TailFlash:
    """`logger.hardware.Flash` on the partition behind the files."""

    def __init__(self) -> None:
        self._partition = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vfs")[0]
        self.sectors = self._partition.ioctl(_IOCTL_COUNT, 0) - FRONT_SECTORS

    def read_into(self, addr: int, buf: "bytearray | memoryview") -> None:
        """Fill `buf` with the bytes from `addr` on."""
        self._partition.readblocks(FRONT_SECTORS + addr // SECTOR_SIZE, buf, addr % SECTOR_SIZE)

    def program(self, addr: int, data: "bytes | bytearray | memoryview") -> None:
        """Program whole pages; OSError for anything else."""
        if addr % PAGE_SIZE or len(data) % PAGE_SIZE or not data:
            raise OSError("the flash takes whole pages of 256 bytes")
        self._partition.writeblocks(FRONT_SECTORS + addr // SECTOR_SIZE, data, addr % SECTOR_SIZE)

    def erase(self, sector: int) -> None:
        """Set all bytes of one sector to 0xFF."""
        self._partition.ioctl(_IOCTL_ERASE, FRONT_SECTORS + sector)


class ESP32(ChipBoard):
    """The board as `logger.hardware.Board` describes it."""

    def __init__(self) -> None:
        mac = machine.unique_id()
        # As EUI-64 writes an address of 48 bits.
        self.uid = mac[:3] + b"\xff\xfe" + mac[3:] if len(mac) == 6 else mac
        self.reset_cause = _CAUSES.get(machine.reset_cause(), codes.RESET_UNKNOWN)
        chip = self.name.rpartition(" with ")[2]
        super().__init__(TailFlash(), WIRINGS.get(chip, WIRINGS["ESP32"]))

    def _fit(self, wiring: "Wiring") -> None:
        super()._fit(wiring)
        if hasattr(esp32, "wake_on_ext1"):
            if self._int:
                esp32.wake_on_ext1((self._int,), True)
            if self._button:
                esp32.wake_on_ext0(self._button, False)
        elif self._int:
            # All pins that wake a C3 must have one level: its button is noticed at the next rest's end.
            esp32.wake_on_gpio((self._int,), True)
        self.retained = None
        if "deep" in wiring and self._button:
            from boards.esp32_deep import DeepSleep

            self.retained = DeepSleep(self, self._button, wiring["deep"][0] * 1000)

    def make_i2c(self, pins: "Sequence[int]") -> I2C:
        """Any pins do."""
        sda, scl, kHz = pins
        return I2C(0, sda=Pin(sda), scl=Pin(scl), freq=kHz * 1000)

    def make_spi(self, pins: "Sequence[int]") -> SPI:
        """Any pins do; 1 MHz and mode 1 suit a MAX31865."""
        sck, mosi, miso = pins
        return SPI(1, baudrate=_SPI_HZ, polarity=0, phase=1, sck=Pin(sck), mosi=Pin(mosi), miso=Pin(miso))

    def make_adc(self, pin: Pin) -> ADC:
        """A pin that measures up to about 3.1 V."""
        return ADC(pin, atten=ADC.ATTN_11DB)

    def pin_mV(self, pin: ADC) -> int:
        """By the chip's own calibration."""
        return pin.read_uv() // 1000

    def rest(self, ms: int) -> None:
        """About 1 mA. The tick counter goes on, and a wake pin ends it."""
        machine.lightsleep(ms)

    def reset(self) -> None:
        """Restart."""
        machine.reset()


def make_board() -> "Board":
    """The board that this firmware runs on."""
    return ESP32()
