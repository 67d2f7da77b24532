"""Which MicroPython files are refused, and that each refusal says what to do."""

import hashlib
import json

import pytest
from image_bench import PARTITIONS, XIP_BASE, esp32_file, given, uf2_file

from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.image import micropython_file, uf2
from celltrail.image.targets import TARGETS

PICO_W = TARGETS["pico-w"]


def refusal(tmp_path, board: str, data: bytes, flash_bytes: int | None = None) -> str:
    with pytest.raises(UsageFault) as fault:
        micropython_file.load(given(tmp_path, board, data), TARGETS[board], flash_bytes)
    text = str(fault.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("board", TARGETS)
def test_the_right_file_is_taken(board, tmp_path):
    found = micropython_file.load(given(tmp_path, board), TARGETS[board])
    assert found.version == "1.29.0"
    assert found.is_known
    assert found.files_bytes > 1 << 19


def test_another_boards_file(tmp_path):
    text = refusal(tmp_path, "pico-w", uf2_file("pico"))
    assert "is for Raspberry Pi Pico with RP2040, not for Raspberry Pi Pico W" in text
    assert "https://micropython.org/resources/firmware/RPI_PICO_W-20260824-v1.29.0.uf2" in text
    assert "Pico W with RP2040" in refusal(tmp_path, "pico", uf2_file("pico-w"))
    assert "not a UF2 file" in refusal(tmp_path, "pico-w", esp32_file("esp32"))
    assert "is for ESP32-S3, not for ESP32 (classic)" in refusal(tmp_path, "esp32", esp32_file("esp32-s3"))
    assert "chip 77" in refusal(tmp_path, "esp32", esp32_file("esp32", chip_id=77))
    assert "not a firmware file" in refusal(tmp_path, "esp32", uf2_file("pico-w"))


def test_another_family(tmp_path):
    data = bytearray(uf2_file("pico-w"))
    data[28:32] = b"\x57\xff\x8b\xe4"
    assert "another chip (family 0xe48bff57)" in refusal(tmp_path, "pico-w", bytes(data))


@pytest.mark.parametrize("version", ["1.23.0", "1.30.0", "2.0.0", "1.9.4"])
def test_a_version_that_can_not_read_the_image(version, tmp_path):
    text = refusal(tmp_path, "pico-w", uf2_file("pico-w", version))
    assert f"is MicroPython {version}, which can't read this image; fetch https://" in text


@pytest.mark.parametrize("version", ["1.24.1", "1.28.0", "1.29.0-preview.12"])
def test_another_version_that_reads_it_is_taken(version, tmp_path):
    found = micropython_file.load(given(tmp_path, "pico-w", uf2_file("pico-w", version)), PICO_W)
    assert (found.version, found.is_known) == (version, False)


def test_no_micropython_at_all(tmp_path):
    other = uf2.write(uf2.split(XIP_BASE, bytes(4096)))
    assert "is not MicroPython" in refusal(tmp_path, "pico-w", other)
    silent = uf2.write(uf2.split(XIP_BASE, b"MicroPython v1.29.0 on 2026-08-24"))
    assert "does not say for which board" in refusal(tmp_path, "pico-w", silent)


def test_a_file_that_did_not_arrive_whole(tmp_path):
    data = uf2_file("pico-w")
    assert "only a part" in refusal(tmp_path, "pico-w", data[:-100])
    assert "out of order" in refusal(tmp_path, "pico-w", data[:-512])
    assert "no mark" in refusal(tmp_path, "pico-w", data[:512] + bytes(512) + data[1024:])
    for strange in (b"", b"PK", bytes(512) + data[512:]):
        assert "not a UF2 file; fetch https://" in refusal(tmp_path, "pico-w", strange)


def test_a_file_for_an_esp32_that_did_not_arrive_whole(tmp_path):
    data = esp32_file("esp32")
    for cut in (1, 16, 300, 392):
        assert "only a part of a firmware file" in refusal(tmp_path, "esp32", data[:-cut])
    for place in (0x10000 - 0x1000 + 24 + 20, len(data) - 1, len(data) - 100):
        changed = bytearray(data)
        changed[place] ^= 1
        assert "or a damaged one; fetch https://" in refusal(tmp_path, "esp32", bytes(changed))
    application = data[0x10000 - 0x1000 :]
    hashed = application[:23] + b"\x01" + application[24:]
    front = data[: 0x10000 - 0x1000]
    whole = front + hashed + hashlib.sha256(hashed).digest()
    assert micropython_file.load(given(tmp_path, "esp32", whole), TARGETS["esp32"]).version == "1.29.0"
    assert "only a part" in refusal(tmp_path, "esp32", whole[:-1])


def test_a_file_that_lies_where_the_files_go(tmp_path):
    pages = uf2.read(uf2_file("pico-w"), "given")
    pages[XIP_BASE + PICO_W.files_at] = bytes(256)
    assert "holds files already, as an image that this command has made; fetch" in refusal(
        tmp_path, "pico-w", uf2.write(pages)
    )


def test_a_flash_that_is_too_small(tmp_path):
    assert "has 2 MB of flash, Celltrail needs 4 MB" in refusal(tmp_path, "esp32", esp32_file("esp32"), 2 << 20)
    larger = (*PARTITIONS[:3], (1, 0x81, 0x200000, 0x600000, b"vfs"))
    text = refusal(tmp_path, "esp32", esp32_file("esp32", partitions=larger))
    assert "needs 8 MB of flash, the board has 4 MB" in text


def test_an_application_alone(tmp_path):
    text = refusal(tmp_path, "esp32", esp32_file("esp32")[: 0x8000 - 0x1000])
    assert "has no partition table" in text


def test_command_names_the_file_to_fetch(capsys):
    assert run(["flash", "--board", "esp32-c3"]) == 2
    told = capsys.readouterr().err
    assert "https://micropython.org/resources/firmware/ESP32_GENERIC_C3-20260824-v1.29.0.bin" in told
    assert run(["flash", "--board", "uno"]) == 2
    assert "uno: no such board; choose one of pico-w" in capsys.readouterr().err


def test_command_builds_only_with_dry_run(tmp_path, capsys):
    given_file = given(tmp_path, "pico-w")
    command = ["flash", "--board", "pico-w", "--micropython", str(given_file)]
    out = tmp_path / "logger.uf2"
    assert run([*command, "--dry-run", "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out)
    assert told["image"]["bytes"] == out.stat().st_size
    manifest = json.loads((tmp_path / "logger.uf2.json").read_text())
    assert {**manifest, "file": str(out), "manifest": str(out) + ".json"} == told
