"""Wiring files: what they become, what is refused, and a logger that takes one or not."""

import asyncio
import json
import re

import cbor2
import pytest

from celltrail.cli.main import run
from celltrail.errors import DeviceFault, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail.operate.wiring import check, send
from celltrail.plans.wiring import load_wiring, models
from celltrail.virtual import VirtualLogger, make_scenario
from celltrail_protocol import codes, smp
from celltrail_protocol.wiring import LONGEST_WIRING
from tests.host.fake_logger import KEY, UID, FakeLogger, OverTcp

PICO = """\
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
"""
DEWAR = """\
spi = { sck = 18, mosi = 19, miso = 16 }
onewire = 22
led = { pin = 15, lit = "low" }

[[probe]]
chip = "MAX31865"
select = 17
wires = 4
reference_ohm = 430

[[probe]]
chip = "DS18B20"
rom = "28ff641e0f0d0c0b"
"""


def loaded(tmp_path, text: str):
    path = tmp_path / "wiring.toml"
    path.write_text(text)
    return load_wiring(path)


MORE = """\
deep_sleep_s = 120

[clock]
chip = "DS3231"
address = 0x68

[barometer]
chip = "BMP390"
address = 0x77
"""


def with_more(text: str = PICO, more: str = MORE) -> str:
    """The tables follow the keys of the file, and the keys its tables."""
    key, tables = more.split("\n", 1)
    return f"{key}\n{text}{tables}"


def test_clock_barometer_and_deep_sleep(tmp_path):
    wiring = loaded(tmp_path, with_more())
    assert (wiring["clock"], wiring["barometer"], wiring["deep"]) == ([0x68], [32, 0x77], [120])
    assert models(wiring) == ((1, 32), 16)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("120", "59", "deep_sleep_s is 59; it must be a whole number from 60 to 3600"),
        ("120", "true", "deep_sleep_s is true"),
        ("DS3231", "DS1307", "clock.chip is 'DS1307'; it must be one of DS3231"),
        ("BMP390", "BMP280", "barometer.chip is 'BMP280'; it must be one of BMP390"),
        ("address = 0x77", "adress = 0x77", "barometer.address is missing"),
        ('[clock]\nchip = "DS3231"\naddress = 0x68', "", "deep sleep needs a clock chip, and a button to end it"),
        ("button = 14", "", "deep sleep needs a clock chip, and a button to end it"),
    ],
)
def test_what_a_deep_sleep_needs(tmp_path, old, new, said):
    with pytest.raises(UsageFault, match=re.escape(said)):
        loaded(tmp_path, with_more().replace(old, new))


def test_words_become_the_record(tmp_path):
    assert loaded(tmp_path, PICO) == {
        "v": 1,
        "i2c": [4, 5, 400],
        "led": [15, 1],
        "battery": [28, 2000],
        "button": [14],
        "probes": [[1, 0x48]],
        "accel": [16, 0x53, 13],
    }
    dewar = loaded(tmp_path, DEWAR)
    assert dewar["probes"] == [[2, 17, 4, 100, 430], [3, bytes.fromhex("28ff641e0f0d0c0b")]]
    assert dewar["led"] == [15, 0]
    assert models(dewar) == ((2, 3), 0)
    assert len(cbor2.dumps(dewar)) < LONGEST_WIRING


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sda = 4", "sda = 99", "i2c.sda is 99; it must be a whole number from 0 to 48"),
        ("sda = 4", "sda = true", "i2c.sda is true"),
        ("scl = 5", "clk = 5", "i2c.scl is missing"),
        ("button", "buton", "buton is not known"),
        ('"TMP117"', '"TMP116"', "probe 1: chip is 'TMP116'; it must be one of TMP117, MAX31865, DS18B20"),
        ("address = 0x48", "address = 0x80", "address is 128"),
        ("ratio = 2.0", "ratio = 0.5", "battery.ratio is 0.5"),
        ("[[probe]]", "[[probes]]", "probes is not known"),
        ("[accelerometer]", "[accelerometer", "is not TOML"),
        ("interrupt = 13", "", "accelerometer.interrupt is missing"),
        ("button = 14", 'button = "14"', "button is '14'; it must be a whole number"),
        (
            "interrupt = 13",
            "interrupt = 13\ndeep_sleep_s = 120",
            "deep_sleep_s is not known; it may be chip, address, interrupt; a key of the whole file stands above",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, said):
    with pytest.raises(UsageFault) as fault:
        loaded(tmp_path, PICO.replace(old, new))
    assert said in str(fault.value)
    assert "wiring.toml" in str(fault.value)


@pytest.mark.parametrize(
    ("base", "old", "new", "said"),
    [
        (PICO, "scl = 5", "scl = 4", "pin 4 is i2c.sda and i2c.scl; give each one of its own"),
        (PICO, "button = 14", "button = 4", "pin 4 is i2c.sda and button"),
        (PICO, "interrupt = 13", "interrupt = 28", "pin 28 is battery.pin and accelerometer.interrupt"),
        (PICO, "address = 0x48", "address = 48", "probe 1: address is 0x30; the TMP117 is at 0x48, 0x49, 0x4a, 0x4b"),
        (PICO, "address = 0x53", "address = 0x48", "accelerometer: address is 0x48; the ADXL372 is at 0x1d, 0x53"),
        (
            PICO,
            "[[probe]]",
            '[[probe]]\nchip = "TMP117"\naddress = 0x48\n\n[[probe]]',
            "address 0x48 is probe 1 and probe 2",
        ),
        (PICO, "i2c = { sda = 4, scl = 5 }\n", "", "i2c is missing, and probe 1 is on that bus"),
        (DEWAR, "spi = ", "# spi = ", "spi is missing, and probe 1 is on that bus"),
        (DEWAR, "onewire = ", "# onewire = ", "onewire is missing, and probe 2 is on that bus"),
    ],
)
def test_contradictions_are_named(tmp_path, base, old, new, said):
    assert base.count(old) == 1
    with pytest.raises(UsageFault) as fault:
        loaded(tmp_path, base.replace(old, new))
    assert said in str(fault.value)


def test_without_a_probe_there_is_nothing_to_log(tmp_path):
    with pytest.raises(UsageFault, match="1 to 4 probes"):
        loaded(tmp_path, "button = 14\n")


def test_a_logger_that_did_not_take_it(tmp_path):
    class Status:
        models = (1,)
        accel = 16
        called = "CT-1"
        world: int | None = None
        wired: bool | None = True

    check(Status, loaded(tmp_path, PICO))
    # The same chips as in the default wiring, but a button or a clock chip at a pin that is not there.
    Status.wired = False
    with pytest.raises(DeviceFault, match="did not take the wiring"):
        check(Status, loaded(tmp_path, PICO))
    Status.wired = None
    check(Status, loaded(tmp_path, PICO))
    with pytest.raises(DeviceFault, match=r"did not take the wiring: .* default \(TMP117, ADXL372\)"):
        check(Status, loaded(tmp_path, DEWAR))


def test_command_sends_it_and_waits_for_the_restart(tmp_path, capsys):
    file, keys = tmp_path / "wiring.toml", str(tmp_path / "keys")
    file.write_text(PICO)
    stimulus = make_scenario("bench", seed=1, days=0.5, start_utc_ms=1_748_844_000_000)
    with VirtualLogger(stimulus) as logger:
        words = ["wire", str(file), "-d", logger.address, "--keys", keys, "--json"]
        assert run(words) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["channels"], told["accelerometer"]) == (["TMP117"], "ADXL372")
        # Now it has a key, and the host proves that it holds it.
        assert run(["provision", "-d", logger.address, "--keys", keys]) == 0
        assert run(words) == 0
        file.write_text(DEWAR)
        assert run(words) == 3
        assert "is a virtual logger and has TMP117, ADXL372" in capsys.readouterr().err
        file.write_text(with_more())
        assert run(words) == 2
        assert "is a virtual, which can't be powered down" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("board", "is_taken"),
    [
        ("Generic ESP32 module with SPIRAM with ESP32", True),
        ("Generic ESP32S3 module with ESP32S3", True),
        ("Generic ESP32C3 module with ESP32C3", True),
        ("Raspberry Pi Pico W with RP2040", False),
        ("A carrier for an ESP32 with RP2040", False),
    ],
)
def test_deep_sleep_is_for_a_chip_that_wakes_by_itself(tmp_path, board, is_taken):
    logger = FakeLogger()
    logger.state, logger.board = codes.STATE_IDLE, board
    keys = KeyStore(tmp_path / "keys")
    keys.save_device_key(UID, logger.name, KEY)

    async def ask(address: str) -> None:
        async with open_session(parse_address(address)) as session:
            await send(session, keys, loaded(tmp_path, with_more()), "")

    with OverTcp(logger) as served:
        if is_taken:
            asyncio.run(ask(served.address))
        else:
            with pytest.raises(UsageFault, match=f"is a {board}, which can't be powered down"):
                asyncio.run(ask(served.address))
    assert [command for command, _ in logger.commands] == [smp.CMD_WIRE] * is_taken


def test_a_logger_that_does_not_tell_its_board(tmp_path):
    logger = FakeLogger()
    logger.state, logger.board = codes.STATE_IDLE, ""

    async def ask(address: str) -> None:
        async with open_session(parse_address(address)) as session:
            await send(session, KeyStore(tmp_path / "keys"), loaded(tmp_path, with_more()), "")

    with OverTcp(logger) as served, pytest.raises(DeviceFault, match="does not tell its firmware"):
        asyncio.run(ask(served.address))
