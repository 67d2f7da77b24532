"""Contradictions in a wiring that need no board to be seen: pins and addresses twice, a bus that is not there."""

from collections.abc import Iterable, Iterator
from typing import Any

from celltrail.errors import UsageFault
from celltrail.plans.chips import CLOCK, I2C, SPI, bus_of
from celltrail_protocol import codes
from celltrail_protocol.names import MODEL_NAMES

# By each chip's datasheet, for the levels of its address pins.
_ADDRESSES = {
    MODEL_NAMES[codes.MODEL_TMP117]: range(0x48, 0x4C),
    MODEL_NAMES[codes.MODEL_ADXL372]: (0x1D, 0x53),
    MODEL_NAMES[codes.MODEL_ADXL345]: (0x1D, 0x53),
    MODEL_NAMES[codes.MODEL_BMP390]: (0x76, 0x77),
    CLOCK: (0x68,),
}
_PINS = {
    "i2c": ("i2c.sda", "i2c.scl"),
    "spi": ("spi.sck", "spi.mosi", "spi.miso"),
    "onewire": ("onewire",),
    "button": ("button",),
    "cable": ("cable",),
    "led": ("led.pin",),
    "battery": ("battery.pin",),
}


def refuse_contradictions(wiring: dict[str, Any], where: str) -> None:
    """UsageFault names both places."""
    _refuse_twice(_pins(wiring), where, "pin {}")
    chips = list(_on_i2c(wiring))
    for name, chip, address in chips:
        known = _ADDRESSES.get(chip)
        if known is not None and address not in known:
            may_be = ", ".join(hex(one) for one in known)
            raise UsageFault(f"{where}: {name}: address is {hex(address)}; the {chip} is at {may_be}")
    _refuse_twice(((name, address) for name, _, address in chips), where, "address {:#x}")
    buses = [(name, I2C) for name, _, _ in chips]
    buses += [(f"probe {number}", bus_of(one[0])) for number, one in _probes(wiring)]
    for name, bus in buses:
        if bus not in wiring:
            raise UsageFault(f"{where}: {bus} is missing, and {name} is on that bus; docs/hardware.md shows its pins")


def _probes(wiring: dict[str, Any]) -> Iterator[tuple[int, list[Any]]]:
    return enumerate(wiring["probes"], 1)


def _refuse_twice(places: Iterable[tuple[str, int]], where: str, what: str) -> None:
    seen: dict[int, str] = {}
    for name, number in places:
        if number in seen:
            raise UsageFault(f"{where}: {what.format(number)} is {seen[number]} and {name}; give each one of its own")
        seen[number] = name


def _pins(wiring: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for key, names in _PINS.items():
        yield from zip(names, wiring.get(key, ()), strict=False)
    for number, (model, *place) in _probes(wiring):
        if bus_of(model) == SPI:
            yield f"probe {number}: select", place[0]
    if "accel" in wiring:
        yield "accelerometer.interrupt", wiring["accel"][2]


def _on_i2c(wiring: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Place, chip and address."""
    for number, (model, *place) in _probes(wiring):
        if bus_of(model) == I2C:
            yield f"probe {number}", MODEL_NAMES[model], place[0]
    for key, name in (("accel", "accelerometer"), ("barometer", "barometer")):
        if key in wiring:
            yield name, MODEL_NAMES[wiring[key][0]], wiring[key][1]
    if "clock" in wiring:
        yield "clock", CLOCK, wiring["clock"][0]
