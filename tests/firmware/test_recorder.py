"""The recorder: how readings are packed, what a mount takes up, and that a full ring loses nothing."""

from faulty_flash import FaultyFlash
from recorder_bench import Bench, packed, read_slot, slots_of

from celltrail_protocol import codes, frames, records
from celltrail_protocol.layout import unpack
from celltrail_protocol.records import NO_READING
from logger.recorder import PACK_SLOTS
from logger.ring import RingFull


def test_readings_are_packed_when_there_are_enough():
    bench = Bench(FaultyFlash(10), 2)
    for slot in range(PACK_SLOTS - 1):
        read_slot(bench.recorder, slot, 2)
    assert bench.journal.count == PACK_SLOTS - 1
    assert packed(bench.recorder, 2) == [[], []]
    generation = bench.recorder.generation
    read_slot(bench.recorder, PACK_SLOTS - 1, 2)
    assert bench.journal.count == 0
    assert bench.recorder.generation == generation + 1
    assert slots_of(bench, 2) == PACK_SLOTS


def test_noise_is_split_into_frames_that_fit():
    bench = Bench(FaultyFlash(10))
    noise = [slot * slot * 7919 % 65535 - 32767 for slot in range(PACK_SLOTS)]
    for slot in range(PACK_SLOTS):
        bench.recorder.reading(slot, [noise[slot]], b"", 0)
    assert packed(bench.recorder, 1) == [noise]


def test_gap_comes_after_what_was_read_before_it():
    bench = Bench(FaultyFlash(10), 2)
    for slot in range(3):
        read_slot(bench.recorder, slot, 2)
    bench.recorder.gap(3, 4, codes.GAP_LATE, 0)
    read_slot(bench.recorder, 7, 2)
    assert slots_of(bench, 2) == 8
    assert bench.recorder.packed == [6, 6]


def test_slot_that_the_journal_has_lost_is_no_reading():
    bench = Bench(FaultyFlash(10))
    for slot in (0, 1, 3):
        bench.recorder.reading(slot, [700], b"", 0)
    bench.recorder.pack(0)
    found = [unpack(frames.TABLES[16], payload) for kind, payload in bench.recorder.ring.frames_of(0) if kind == 16]
    assert [one[1:3] for one in found] == [(0, 2), (3, 1)]


def test_settings_in_parts():
    bench = Bench(FaultyFlash(10))
    for size in (1, 188, 189, 480):
        before = len(list(bench.recorder.ring.frames_of(0)))
        plan = bytes([size & 0xFF]) * size
        bench.recorder.in_parts(frames.SETTINGS, plan, 0)
        parts = [unpack(frames.TABLES[5], payload) for _, payload in list(bench.recorder.ring.frames_of(0))[before:]]
        assert b"".join([data for _, _, data in parts]) == plan
        assert [(part, total) for part, total, _ in parts] == [(i, len(parts)) for i in range(len(parts))]


def test_pending_readings_are_kept_room_for():
    bench = Bench(FaultyFlash(10), 4)
    room = bench.logger.ring.room()
    for slot in range(10):
        # The worst: each reading is a frame of its own.
        values = [NO_READING if slot % 2 else 32767, 0, 0, 0]
        bench.recorder.reading(slot, values, b"\x01" if slot % 2 else b"", 0)
    reckoned = room - bench.logger.ring.room()
    assert reckoned >= 10 * 4 * 13
    bench.recorder.pack(0)
    assert room - bench.logger.ring.room() <= reckoned


def test_full_ring_loses_no_reading():
    # Runs of one are the worst case: the ring says that it is full early enough for all that is pending.
    bench = Bench(FaultyFlash(10), 2)
    slot = 0
    try:
        while not bench.recorder.is_full(0):
            values = [600 + slot % 3, NO_READING] if slot % 2 else [NO_READING, 700]
            bench.recorder.reading(slot, values, b"\x02", 0)
            slot += 1
    except RingFull:
        # Raised by packing: what is left is packed below.
        pass
    bench.logger.ring.closing = True
    bench.recorder.pack(0)
    bench.recorder.event(frames.STATE, (0, 3, 6, 0, 0, 3700), 0)
    bench.logger.ring.close(0)
    assert bench.recorder.packed == [slot - 1, slot - 1]
    assert slot > 470
    sector = bytearray(4096)
    bench.logger.ring.read_into(3, 0, sector)
    assert records.unpack_checked(records.SEAL, sector, records.SEAL_A_AT, b"CTE1")[3] == records.SEAL_CLOSED


def test_worn_out_journal_costs_bytes_and_no_reading():
    flash = FaultyFlash(10)
    bench = Bench(flash)
    flash.bad_sectors = [4, 5]
    flash.bad_pages = list(range(4 * 4096, 6 * 4096, 256))
    for slot in range(20):
        read_slot(bench.recorder, slot, 1)
    assert slots_of(bench, 1) == 20
    assert bench.journal.count == 0
    assert slots_of(Bench(flash, 1, False), 1) == 20


def test_mount_looks_back_as_far_as_it_takes():
    flash = FaultyFlash(10)
    bench = Bench(flash, 2)
    for slot in range(7):
        read_slot(bench.recorder, slot, 2)
    bench.recorder.event(frames.SHOCK, shock(3), 0)
    bench.recorder.pack(0)
    for _ in range(20):
        bench.recorder.event(frames.MARK, (0, 1, 0, 0, b"", b"", bytes(80)), 0)
        bench.logger.ring.append(0x80, bytes(200), 0)
    bench.logger.ring.events = 5
    bench.recorder.event(frames.SHOCK, shock(5), 0)
    assert bench.logger.ring.index == 2
    again = Bench(flash, 2, False)
    assert again.recorder.packed == [6, 6]
    assert again.logger.ring.events == 6
    assert again.recorder.last_slot() == 6


def test_mount_does_not_count_through_indexes_that_nobody_has_written():
    flash = FaultyFlash(10)
    bench = Bench(flash)
    read_slot(bench.recorder, 0, 1)
    bench.recorder.pack(0)
    # A header that checks, a sequence on, and billions of sectors.
    values = (records.MAGIC_HEADER, 1, 48, 0, 2, 1, 0xFFFFFFFE, 0, 0, 1, 0, bytes(8))
    bench.logger.area.write(7 * 4096 + records.HEADER_AT, records.pack_checked(records.HEADER, values))
    again = Bench(flash, 1, False)
    assert again.logger.ring.index == 0xFFFFFFFE
    assert again.recorder.packed == [0]


def shock(event):
    return (event, 0, 0, 1, (0, 0, 0), (0, 0, 0), (0, 0, 0), 1, 1, 0, 0, 0)


def test_mount_takes_the_events_of_the_header_when_the_sector_has_none():
    flash = FaultyFlash(10)
    bench = Bench(flash)
    read_slot(bench.recorder, 0, 1)
    bench.recorder.event(frames.SHOCK, shock(65535), 0)
    assert Bench(flash, 1, False).logger.ring.events == 65535
    bench.logger.ring.events = 9
    while bench.logger.ring.index == 0:
        bench.logger.ring.append(0x80, bytes(200), 0)
    bench.recorder.pack(0)
    assert Bench(flash, 1, False).logger.ring.events == 9


def test_mount_tells_the_newest_state():
    flash = FaultyFlash(10)
    bench = Bench(flash)
    assert Bench(flash, 1, False).recorder.stated is None
    for state, reason in ((1, 1), (2, 3)):
        bench.recorder.event(frames.STATE, (0, state, reason, 0, 0, 3700), 0)
    assert Bench(flash, 1, False).recorder.stated == (2, 3)


def test_frame_of_a_later_format_is_passed_over():
    flash = FaultyFlash(10)
    bench = Bench(flash)
    bench.logger.ring.append(frames.READINGS, b"\x00", 0)
    read_slot(bench.recorder, 0, 1)
    assert slots_of_new(flash) == 1


def slots_of_new(flash):
    again = Bench(flash, 1, False)
    return again.journal.count
