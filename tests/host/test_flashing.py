"""Flashing for real: drives, esptool as a program, what is refused, and that the logger is what was written."""

import asyncio
import os
import subprocess
import types

import pytest
from image_bench import given

from celltrail.cli.main import run
from celltrail.errors import BadAnswer, DeviceFault, RefusedFault, UsageFault
from celltrail.firmware_files import firmware_path
from celltrail.image import drive, esptool
from celltrail.image.targets import TARGETS
from celltrail.link.address import Address, parse_address
from celltrail.link.discovery import Found
from celltrail.operate import flashing
from celltrail.virtual import VirtualLogger, make_scenario

ESP32 = TARGETS["esp32"]
START_UTC_MS = 1_748_844_000_000


def boot_drive(folder, name="RPI-RP2", board="RPI-RP2"):
    """A drive as the boot ROM shows it."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {board}\n")
    return place


@pytest.fixture
def media(tmp_path, monkeypatch):
    """The folder in which drives show up."""
    folder = tmp_path / "media"
    folder.mkdir()
    monkeypatch.setattr(drive, "mounts", lambda: iter(sorted(folder.iterdir())))
    return folder


# --- drives ---


def test_the_drive_in_boot_mode_is_found_among_others(media):
    (media / "PHOTOS").mkdir()
    assert drive.only_drive() is None
    place = boot_drive(media)
    assert drive.only_drive() == drive.Drive(place, "RPI-RP2")


def test_two_boards_in_boot_mode(media):
    boot_drive(media, "one")
    boot_drive(media, "two")
    with pytest.raises(UsageFault, match="2 boards are in boot mode .* leave one plugged in"):
        drive.only_drive()


def test_another_chip_in_boot_mode(media):
    boot_drive(media, board="RP2350")
    with pytest.raises(UsageFault, match="is a RP2350, not an RP2040"):
        drive.only_drive()


def test_copy_writes_the_image(media):
    place = boot_drive(media)
    drive.copy(b"image", drive.Drive(place, "RPI-RP2"))
    assert (place / "celltrail.uf2").read_bytes() == b"image"


@pytest.mark.skipif(os.name != "posix", reason="folders have no such rights here")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "can't be written to; mount it so that you may write"),
        (OSError(30, "Read-only file system"), "can't be written to"),
        (OSError(28, "No space left on device"), "says that it is full; unplug the board"),
        (OSError(5, "Input/output error"), "was lost while writing"),
    ],
)
def test_a_drive_that_does_not_take_it(media, monkeypatch, error, said):
    place = boot_drive(media)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("pathlib.Path.open", fail)
    with pytest.raises(DeviceFault, match=said):
        drive.copy(b"image", drive.Drive(place, "RPI-RP2"))


def test_nobody_pressed_the_button(media):
    said = []
    image = types.SimpleNamespace(data=b"image")
    with pytest.raises(DeviceFault, match="no board came in boot mode") as fault:
        flashing.write_uf2(image, said.append, limit_s=0.1)
    assert "carries data" in str(fault.value)
    assert "hold its button BOOTSEL down" in said[0]


def test_a_board_that_comes_in_boot_mode_while_we_wait(media, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: boot_drive(media))
    said = []
    flashing.write_uf2(types.SimpleNamespace(data=b"image"), said.append, limit_s=5)
    assert (media / "RPI-RP2" / "celltrail.uf2").read_bytes() == b"image"


# --- esptool ---


def program(monkeypatch, code=0, out="", err=""):
    """esptool's place is taken by an answer; the command lines that were run."""
    lines = []

    def fake(command, **_):
        lines.append(command[1:])
        return subprocess.CompletedProcess(command, code, out, err)

    monkeypatch.setattr(subprocess, "run", fake)
    return lines


def test_the_size_of_the_flash_is_asked_for(monkeypatch):
    lines = program(monkeypatch, out="Manufacturer: 20\nDevice: 4016\nDetected flash size: 4MB\n")
    assert esptool.flash_bytes("/dev/ttyUSB0", ESP32) == 4 << 20
    assert lines == [["-m", "esptool", "--chip", "esp32", "--port", "/dev/ttyUSB0", "flash-id"]]
    program(monkeypatch, out="Detected flash size: 512KB\n")
    assert esptool.flash_bytes("/dev/ttyUSB0", ESP32) == 512 << 10
    program(monkeypatch, out="Detected flash size: Unknown\n")
    with pytest.raises(DeviceFault, match="--flash-size"):
        esptool.flash_bytes("/dev/ttyUSB0", ESP32)


def test_an_image_is_written_from_the_first_byte_on(monkeypatch):
    lines = program(monkeypatch)
    flashing.write_flash(types.SimpleNamespace(data=b"image", suffix=".bin", target=ESP32), "COM5", lambda _: None)
    assert lines[0][:6] == ["-m", "esptool", "--chip", "esp32", "--port", "COM5"]
    assert lines[0][-3:-1] == ["write-flash", "0x0"]


@pytest.mark.parametrize(
    ("err", "said"),
    [
        (
            "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.",
            "is not there or in use",
        ),
        ("A fatal error occurred: Failed to connect to ESP32: No serial data received.", "hold its button BOOT down"),
        ("A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong chip argument?", "another chip"),
        ("something new\nA fatal error occurred: MD5 of file does not match data in flash!", "MD5 of file"),
        ("", "does not say why"),
    ],
)
def test_what_esptool_says_becomes_one_sentence(monkeypatch, err, said):
    program(monkeypatch, 2, err=err)
    with pytest.raises(DeviceFault, match=said) as fault:
        esptool.flash_bytes("/dev/ttyUSB0", ESP32)
    assert "\n" not in str(fault.value)


def test_the_real_esptool_at_a_port_that_is_not_there():
    with pytest.raises(DeviceFault, match="/dev/none is not there or in use"):
        esptool.flash_bytes("/dev/none", ESP32)


def test_esptool_is_missing(monkeypatch):
    monkeypatch.setattr(esptool, "find_spec", lambda _: None)
    with pytest.raises(UsageFault, match=r"pip install celltrail\[esp32\]"):
        esptool.require()


# --- which board ---


def test_one_port_and_no_other():
    one, two = Address("serial", "/dev/ttyUSB0"), Address("serial", "/dev/ttyUSB1")
    assert flashing.only_port([one]) == "/dev/ttyUSB0"
    with pytest.raises(UsageFault, match="2 boards are in reach; leave one plugged in"):
        flashing.only_port([one, two])
    with pytest.raises(UsageFault, match="a cable that carries data"):
        flashing.only_port([])
    assert flashing.named_port("serial://COM5") == "COM5"
    assert flashing.named_port(None) is None
    with pytest.raises(UsageFault, match="over its serial port"):
        flashing.named_port("tcp://127.0.0.1:7788")


def status(**changes):
    values = {"state": 0, "unread": 0, "called": "CT-1", "trip": 3, **changes}
    return [Found(Address("serial", "x"), types.SimpleNamespace(**values))]


def test_nothing_is_lost_by_flashing():
    flashing.refuse_loss(status(), False)
    flashing.refuse_loss(status(state=3, unread=0), False)
    for state in (1, 2):
        with pytest.raises(RefusedFault, match="CT-1 is (armed|logging) and can't be flashed"):
            flashing.refuse_loss(status(state=state), True)
    with pytest.raises(RefusedFault, match="holds unread data of trip 3; `celltrail download` it first"):
        flashing.refuse_loss(status(state=3, unread=1), False)
    flashing.refuse_loss(status(state=3, unread=1), True)
    flashing.refuse_loss([Found(Address("serial", "x"), None, "no answer")], False)


# --- what came of it ---


def own_hash() -> bytes:
    """Of the firmware that a virtual logger runs."""
    from image import Image

    return Image([str(folder) for folder in firmware_path()]).hash()


@pytest.fixture(scope="module")
def virtual():
    with VirtualLogger(make_scenario("bench", seed=1, days=0.5, start_utc_ms=START_UTC_MS)) as logger:
        yield parse_address(logger.address)


def test_the_logger_tells_the_firmware_that_was_written(virtual):
    address, found = asyncio.run(flashing.wait_for_logger(lambda: [virtual], own_hash(), 5))
    assert address == virtual
    assert found.state == 0


def test_a_logger_with_another_firmware(virtual):
    with pytest.raises(BadAnswer, match="runs another firmware than was written"):
        asyncio.run(flashing.wait_for_logger(lambda: [virtual], bytes(32), 0.5))


def test_no_board_comes_back():
    with pytest.raises(DeviceFault, match="no board showed up on USB .* carries data"):
        asyncio.run(flashing.wait_for_logger(list, bytes(32), 0.1))


def test_a_board_that_stays_silent(tmp_path):
    silent = Address("serial", str(tmp_path / "none"))
    with pytest.raises(DeviceFault, match="no logger answers at .* press the board's reset button"):
        asyncio.run(flashing.wait_for_logger(lambda: [silent], bytes(32), 0.3))


def test_the_whole_command_on_a_drive(media, tmp_path, monkeypatch, virtual, capsys):
    boot_drive(media)
    monkeypatch.setattr("celltrail.cli.flash.likely_ports", lambda: [virtual])
    monkeypatch.setattr(flashing, "likely_ports", list)
    monkeypatch.setattr(flashing, "scan", lambda *_: _nobody())
    monkeypatch.setattr("celltrail.image.build.Image.firmware_hash", property(lambda _: own_hash()))
    words = ["flash", "--board", "pico-w", "--micropython", str(given(tmp_path, "pico-w"))]
    assert run(words) == 0
    assert "runs the firmware that was written" in capsys.readouterr().out
    assert (media / "RPI-RP2" / "celltrail.uf2").stat().st_size > 900_000


async def _nobody():
    return []
