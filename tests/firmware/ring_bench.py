"""What tests of the ring share: a ring on a faulty flash, and an independent look at what lies there."""

import struct

from celltrail_protocol import frames, records, seals
from celltrail_protocol.layout import unpack
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER_AT, SECTOR_SIZE
from logger.area import Area
from logger.ratchet import Ratchet
from logger.ring import Ring

K0 = bytes([7] * 32)
PLAN = b"\x01" + bytes(59)
EVENT = 0x80


def numbered(number, size=200):
    """An event's payload; 14 of 200 bytes fill a sector."""
    return struct.pack("<I", number) + bytes(size - 4)


def fill(ring, first, count):
    """Append numbered events."""
    for number in range(first, first + count):
        ring.append(EVENT, numbered(number), 2000 + number)


def numbers(found):
    """The numbers of the events among (type, payload)."""
    return [struct.unpack_from("<I", payload, 0)[0] for kind, payload in found if kind == EVENT]


class Logger:
    """Area, ratchet and ring of one boot."""

    def __init__(self, flash):
        self.flash = flash
        self.area = Area(flash)
        self.ratchet = Ratchet(self.area)
        self.ring = Ring(self.area, self.ratchet, lambda: PLAN)

    def open(self, trip=1, sequence=1, wrap=False):
        self.ratchet.begin(trip, K0)
        self.ring.open(trip, sequence, 1, wrap, 1000)
        return self

    def mount(self, trip=1, first_sequence=1, wrap=False):
        self.ratchet.mount()
        self.ring.mount(trip, first_sequence, wrap)
        return self


def sectors_of(flash, trip=1):
    """{index: address} of a trip's sectors; an index that is there twice is an error."""
    found = {}
    for addr in range(6 * SECTOR_SIZE, flash.sectors * SECTOR_SIZE, SECTOR_SIZE):
        head = content(flash, addr, FRAMES_AT)
        header = records.unpack_checked(records.HEADER, head, HEADER_AT, records.MAGIC_HEADER)
        if header and header[5] == trip:
            assert header[6] not in found
            found[header[6]] = addr
    return found


def content(flash, addr, size=SECTOR_SIZE):
    """Bytes as they lie."""
    data = bytearray(size)
    flash.read_into(addr, data)
    return data


def check_tags(flash, trip=1, first=0):
    """Check chain, epochs and tags of all sectors.

    Returns plan frames and events as (type, first 4 bytes), and the kind of the last seal or None.
    """
    found, key, epoch, last_tag, kind = [], K0, 0, bytes(8), None
    # What lies before the first is given up and waits to be erased.
    sectors = {index: addr for index, addr in sectors_of(flash, trip).items() if index >= first}
    assert sorted(sectors) == list(range(first, first + len(sectors)))
    for index in sorted(sectors):
        assert kind in (None, records.SEAL_FULL) and (index == first or kind is not None)
        sector = content(flash, sectors[index])
        view = memoryview(sector)
        header = records.unpack_checked(records.HEADER, sector, HEADER_AT, records.MAGIC_HEADER)
        if index == first and first:
            while epoch < header[7]:
                key, epoch = seals.next_key(key), epoch + 1
        else:
            assert header[11] == last_tag
        assert header[7] == epoch
        scanned, damaged, used = frames.scan_all(sector, FRAMES_AT, FRAMES_END, header[4])
        assert damaged == []
        assert scanned[0][1] == frames.PLAN
        for _, one, start, end in scanned:
            if one in (EVENT, frames.PLAN):
                found.append((one, bytes(sector[start : start + 4])))
            if one == frames.CHECKPOINT:
                fields = unpack(frames.TABLES[one], sector, start, end)
                assert fields[0] == epoch
                assert fields[3] == seals.checkpoint_tag(key, trip, epoch, view[: end - 16])
                key, epoch = seals.next_key(key), epoch + 1
        kind = None
        for at in (records.SEAL_A_AT, records.SEAL_B_AT):
            seal = records.unpack_checked(records.SEAL, sector, at, records.MAGIC_SEAL)
            if seal:
                assert kind is None
                assert seal[1:4] == (header[4], epoch, seal[3])
                assert seal[5:7] == (used, len(scanned))
                tag = seals.seal_tag(key, trip, epoch, view[:FRAMES_END], view[at : at + records.SEAL_TAGGED])
                assert seal[9] == tag
                key, epoch, last_tag, kind = seals.next_key(key), epoch + 1, tag[:8], seal[3]
    return found, kind
