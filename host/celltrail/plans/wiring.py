"""A wiring file: which pins and sensors a board's logger has, in words, and the record that the logger keeps.

i2c = { sda = 4, scl = 5 }
button = 14
led = { pin = 15 }
battery = { pin = 28, ratio = 2.0 }

[[probe]]
chip = "TMP117"
address = 0x48

[accelerometer]
chip = "ADXL372"
address = 0x53
interrupt = 13

[barometer]
chip = "BMP390"
address = 0x77

[clock]
chip = "DS3231"
address = 0x68
"""

from pathlib import Path
from typing import Any

import cbor2

from celltrail.errors import UsageFault
from celltrail.files import read_bytes
from celltrail.plans.chips import ACCELEROMETERS, BAROMETERS, CLOCK, I2C, ONEWIRE, SPI, THERMOMETERS, bus_of
from celltrail.plans.toml_table import Table, read_table
from celltrail.plans.wiring_check import refuse_contradictions
from celltrail_protocol import codes
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.wiring import LONGEST_WIRING, validate

_MOST_BYTES = 100_000
_MOST_PIN = 48
_KHZ = 400
_ROM_DIGITS = 16
_DEEP_S = (60, 3600)


def load_wiring(path: Path) -> dict[str, Any]:
    """The record of a file; UsageFault names the file, the key and what it may be."""
    wiring = _wiring(read_table(read_bytes(path, _MOST_BYTES), str(path), "a wiring file"))
    try:
        validate(wiring)
    except ProtocolError as error:
        raise UsageFault(f"{path}: {error}") from error
    refuse_contradictions(wiring, str(path))
    if len(wiring_bytes(wiring)) > LONGEST_WIRING:
        raise UsageFault(f"{path}: takes more than {LONGEST_WIRING} bytes; leave out what is not fitted")
    return wiring


def wiring_bytes(wiring: dict[str, Any]) -> bytes:
    """As it goes to the logger."""
    return cbor2.dumps(wiring, canonical=False)


def models(wiring: dict[str, Any]) -> tuple[tuple[int, ...], int]:
    """The models that a logger with this wiring reports: channels, accelerometer."""
    channels = [probe[0] for probe in wiring["probes"]] + wiring.get("barometer", [])[:1]
    return tuple(channels), wiring.get("accel", [codes.MODEL_NONE])[0]


def _pin(table: Table, key: str) -> int:
    return table.integer(key, 0, _MOST_PIN)


def _wiring(table: Table) -> dict[str, Any]:
    wiring: dict[str, Any] = {"v": 1}
    for key, make in (("i2c", _i2c), ("spi", _spi), ("led", _led), ("battery", _battery)):
        inner = table.table(key)
        if inner is not None:
            wiring[key] = make(inner)
            inner.refuse_unknown()
    for key in ("onewire", "button", "cable"):
        pin = table.take(key, None)
        if pin is not None:
            wiring[key] = [_pin(table, key)]
    wiring["probes"] = [_probe(one) for one in table.tables("probe")]
    accelerometer = table.table("accelerometer")
    if accelerometer is not None:
        wiring["accel"] = _accelerometer(accelerometer)
    barometer = table.table("barometer")
    if barometer is not None:
        wiring["barometer"] = [BAROMETERS[barometer.choice("chip", tuple(BAROMETERS))], _address(barometer)]
        barometer.refuse_unknown()
    clock = table.table("clock")
    if clock is not None:
        clock.choice("chip", (CLOCK,))
        wiring["clock"] = [_address(clock)]
        clock.refuse_unknown()
    if table.take("deep_sleep_s", None) is not None:
        wiring["deep"] = [table.integer("deep_sleep_s", *_DEEP_S)]
    table.refuse_unknown()
    return wiring


def _i2c(table: Table) -> list[int]:
    return [_pin(table, "sda"), _pin(table, "scl"), table.integer("kHz", 10, _KHZ, _KHZ)]


def _spi(table: Table) -> list[int]:
    return [_pin(table, "sck"), _pin(table, "mosi"), _pin(table, "miso")]


def _led(table: Table) -> list[int]:
    return [_pin(table, "pin"), int(table.choice("lit", ("high", "low"), "high") == "high")]


def _battery(table: Table) -> list[int]:
    return [_pin(table, "pin"), int(table.number("ratio", 1, 20) * 1000)]


def _address(table: Table) -> int:
    return table.integer("address", 0x08, 0x77)


def _probe(table: Table) -> list[Any]:
    model = THERMOMETERS[table.choice("chip", tuple(THERMOMETERS))]
    entry = [model, *{I2C: _on_i2c, SPI: _on_spi, ONEWIRE: _on_wire}[bus_of(model)](table)]
    table.refuse_unknown()
    return entry


def _on_i2c(table: Table) -> list[Any]:
    return [_address(table)]


def _on_spi(table: Table) -> list[Any]:
    return [
        _pin(table, "select"),
        table.integer("wires", 2, 4),
        table.integer("ohm_at_0_degC", 10, 2000, 100),
        table.integer("reference_ohm", 10, 20000),
    ]


def _on_wire(table: Table) -> list[Any]:
    rom = table.take("rom", None)
    return [] if rom is None else [_rom(table, rom)]


def _rom(table: Table, text: Any) -> bytes:
    try:
        rom = bytes.fromhex(text)
    except (TypeError, ValueError):
        rom = b""
    if len(rom) * 2 != _ROM_DIGITS:
        raise table.fault("rom", text, f"{_ROM_DIGITS} hex digits")
    return rom


def _accelerometer(table: Table) -> list[int]:
    model = ACCELEROMETERS[table.choice("chip", tuple(ACCELEROMETERS))]
    entry = [model, _address(table), _pin(table, "interrupt")]
    table.refuse_unknown()
    return entry
