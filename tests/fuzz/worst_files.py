"""Crafted `.trail` files that cost the most for their size; each about `sectors` * 4 kB."""

from forge import Forge
from trail_builder import file_of, section

from celltrail.evidence.trail import trail_bytes
from celltrail_protocol import frames


def _full(sectors: int, put) -> bytes:
    """A trip that is filled with whatever `put(forge, number)` writes."""
    forge = Forge()
    forge.arm()
    forge.begin()
    number = 0
    while len(forge.sealed) < sectors:
        put(forge, number)
        number += 1
    forge.close()
    return trail_bytes(forge.closed_parts())


def _tiny(forge, number):
    forge.put(0x90, b"")


def _short(forge, number):
    forge.put(frames.MARK, b"")


def _gaps(forge, number):
    forge.frame(frames.GAP, number * 7, 0xFFFFFFFF, 1)


def _clocks(forge, number):
    forge.frame(frames.CLOCK, 1, number * 1000, number * 977_000_000, 1, 1)


def _boots(forge, number):
    forge.frame(frames.BOOT, number % 65536, 1, 1000, number, 1000, 3700)


def _shocks(forge, number):
    if number < 60:
        forge.frame(frames.WAVE, 0, number % 3, number // 3 * 255, 255, b"\0\0\x3c" + b"\xf0" * 12)
    else:
        forge.frame(frames.SHOCK, 0, 9, 0, 1, (0,) * 3, (9,) * 3, (5,) * 3, 1, 1, 8, number % 65536, 0)


def _flat(forge, number):
    # 255 readings in 14 bytes.
    forge.frame(frames.READINGS, 0, number * 255, 255, b"\x80\x02\x3c\xf0")


def _marks(forge, number):
    forge.frame(frames.MARK, number, 1, 0, 0, b"", b"", b"")


def _alarms(forge, number):
    forge.frame(frames.ALARM, number, 0, 0, 1140, number)


def _checkpoints(forge, number):
    forge.checkpoint()


def _sections(sectors: int) -> bytes:
    return file_of([section(b"xtra", b"")] * (sectors * 4096 // 12))


def _bad_sections(sectors: int) -> bytes:
    return file_of([section(b"XTRA", b"")] * (sectors * 4096 // 12))


_PENS = {
    "tiny frames": _tiny,
    "short marks": _short,
    "gaps": _gaps,
    "clocks": _clocks,
    "boots": _boots,
    "shocks": _shocks,
    "flat series": _flat,
    "marks": _marks,
    "alarms": _alarms,
    "checkpoints": _checkpoints,
}
NAMES = (*_PENS, "sections", "bad sections")


def worst(name: str, sectors: int) -> bytes:
    """The file of one kind."""
    if name in _PENS:
        return _full(sectors, _PENS[name])
    return _sections(sectors) if name == "sections" else _bad_sections(sectors)
