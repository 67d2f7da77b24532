"""What each state costs, in mA and ms, each with its source. Nothing here was measured on our own boards."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    """sleep: between wakes. doze: between wakes with the radio on, which allows no light sleep. awake: at work.

    deep: powered down between readings; None where the chip can't be.
    """

    sleep_mA: float
    doze_mA: float
    awake_mA: float
    source: str
    deep_mA: float | None = None


@dataclass(frozen=True)
class Chip:
    """rest: between conversions."""

    rest_mA: float
    active_mA: float
    active_ms: float
    source: str


BOARDS = {
    "pico-w": Board(
        1.2, 30.0, 33.0,
        "measured by others at 5 V: asleep ghubcoder/micropython-pico-deepsleep#8;"
        " awake and dozing tomjorquera/pico-micropython-lowpower-workaround#17",
    ),
    "esp32": Board(
        0.8, 27.0, 44.0,
        "the chip alone: awake ESP32 datasheet 3.5, table 6, at 160 MHz; asleep an older manual of its module;"
        " a development board's regulator, USB chip and light come on top; powered down our estimate, the datasheet has"
        " 0.01 for timer and memory without a pin that wakes",
        deep_mA=0.1,
    ),
}  # fmt: skip
CHIPS = {
    "tmp117": Chip(0.00015, 0.135, 16, "TI SNOSD82D at rest; 0.135 mA at work fits its 3.5 uA at 1 Hz"),
    "max31865": Chip(1.5, 2.0, 67, "not checked against Maxim 19-6478"),
    "ds18b20": Chip(0.00075, 1.0, 750, "Maxim 19-7487, typical, at work with 5 V"),
    "bmp390": Chip(0.0014, 0.7, 12, "Bosch BST-BMP390-DS002-07 at rest; at work not checked against it"),
}
# Measuring all the time, as our driver has it: Analog Devices ADXL372 rev. B, at 3,200 Hz and 2.5 V.
ADXL372_mA = 0.022
DIVIDER_mA = 0.002
# A Winbond W25Q16JV, current at most and times typical; not checked against its datasheet.
FLASH_mA, PAGE_ms, ERASE_ms = 25.0, 0.4, 45.0
# Our estimates until a board is measured: MicroPython's own work at a wake and at a nap that only feeds the
# watchdog, and one advertisement on three channels.
WORK_ms, NAP_ms = 20.0, 2.0
ADVERT_mA, ADVERT_ms = 130.0, 3.0
NAP_EVERY_ms = 7000
# A start after a deep sleep, by our estimate, and half a second until the clock chip's next second begins.
START_ms, SECOND_ms = 1500.0, 500.0
# Of a rest the firmware (logger/deep_sleep.py) sleeps so much less deeply: a part, and some ms.
LATE_SHARE, EARLY_ms = 1 / 16, 3000.0
# Three AA cells in a row, nominal, at room temperature.
CELLS_mAh = {"alkaline": 2500.0, "lithium": 3000.0}
# What is left for the cold, age, and a regulator that needs its voltage: our estimate.
USABLE = 0.8
