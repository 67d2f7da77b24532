"""NOR flash model: what the chip does, what it refuses, and a file that outlives the process."""

import os

from boards.models.nor_flash import NorFlash

# heapsize: 1m


def page(first: bytes = b"", fill: int = 0xFF) -> bytes:
    return first + bytes([fill]) * (256 - len(first))


def refused(action: "object") -> bool:
    try:
        action()
    except ValueError:
        return True
    return False


def content(flash: NorFlash, addr: int, size: int) -> bytes:
    buf = bytearray(size)
    flash.read_into(addr, buf)
    return bytes(buf)


def test_new_flash_is_erased():
    flash = NorFlash(2)
    assert flash.sectors == 2
    assert content(flash, 0, 8192) == b"\xff" * 8192


def test_program_only_clears_bits():
    flash = NorFlash(1)
    flash.program(256, page(b"\xf0\x0f"))
    flash.program(256, page(b"\x30\x0f"))
    assert flash.violations == 0
    flash.program(256, page(b"\xff\xf0"))
    assert content(flash, 256, 3) == b"\x30\x00\xff"
    assert flash.violations == 1


def test_counters():
    flash = NorFlash(3)
    flash.program(0, page(b"abc") + page(b"d"))
    flash.program(512, page(b"\x00\xff"))
    flash.erase(2)
    flash.erase(2)
    flash.erase(0)
    assert (flash.programs, flash.pages, flash.bytes_programmed) == (2, 3, 5)
    assert flash.erases == 3
    assert flash.erase_counts == [1, 0, 2]
    assert content(flash, 0, 4) == b"\xff" * 4


def test_erase_touches_one_sector():
    flash = NorFlash(3)
    for sector in range(3):
        flash.program(sector * 4096, page(b"x"))
        flash.program(sector * 4096 + 3840, page(b"y"))
    flash.erase(1)
    assert content(flash, 4096, 4096) == b"\xff" * 4096
    assert content(flash, 3840, 1) == b"y"
    assert content(flash, 8192, 1) == b"x"


def test_misuse_is_refused():
    flash = NorFlash(1)
    assert refused(lambda: flash.program(1, page()))
    assert refused(lambda: flash.program(0, b"\x00" * 255))
    assert refused(lambda: flash.program(0, b""))
    assert refused(lambda: flash.program(4096, page()))
    assert refused(lambda: flash.erase(1))
    assert refused(lambda: flash.erase(-1))
    assert refused(lambda: flash.read_into(4095, bytearray(2)))
    assert refused(lambda: flash.read_into(-1, bytearray(1)))
    assert flash.programs == flash.pages == flash.erases == 0


def test_takes_memoryviews():
    flash = NorFlash(1)
    buf = bytearray(page(b"view"))
    flash.program(0, memoryview(buf))
    out = bytearray(8)
    flash.read_into(0, memoryview(out)[2:6])
    assert out == b"\x00\x00view\x00\x00"


def with_file(test: "object") -> None:
    path = "nor_flash_test_%d.bin" % id(test)
    try:
        test(path)
    finally:
        os.remove(path)


def test_file_holds_every_write_at_once():
    def check(path: str) -> None:
        flash = NorFlash(2, path)
        flash.program(4096, page(b"kept"))
        flash.program(256, page(b"gone"))
        flash.erase(0)
        # Neither closed nor flushed by us: this is what a killed process leaves.
        with open(path, "rb") as file:
            stored = file.read()
        assert stored == b"\xff" * 4096 + b"kept" + b"\xff" * 4092
        again = NorFlash(2, path)
        assert content(again, 4096, 5) == b"kept\xff"
        assert again.programs == 0
        flash.close()
        again.close()

    with_file(check)


def test_file_of_another_size_is_refused():
    def check(path: str) -> None:
        NorFlash(2, path).close()
        assert refused(lambda: NorFlash(3, path))
        with open(path, "rb") as file:
            assert len(file.read()) == 8192

    with_file(check)
