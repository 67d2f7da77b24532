"""What must hold after a power cut: nothing committed is lost, there is no phantom, and the logger goes on."""

from fakes import K0, arm, plan, run
from power_bench import start_often
from power_works import MINUTE, value
from torn_flash import Chance

from celltrail_protocol import codes, frames, records, seals, series, smp
from celltrail_protocol.layout import pack, unpack
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER_AT, KEY_SECTORS, SECTOR_SIZE

RUNNING = (codes.STATE_ARMED, codes.STATE_LOGGING)


class Found:
    """A trip's record as the logger itself reads it: `slots` in their order, `marks` by place, `seal` of the end.

    `failures` are the addresses in the flash that faults name, when a host reads.
    """

    def __init__(self):
        self.slots = []
        self.marks = []
        self.resumed = []
        self.seal = None
        self.first = 0
        self.failures = []


def expect(true, *words):
    """An assertion that says what is wrong."""
    if not true:
        raise AssertionError(" ".join([str(word) for word in words]))


def read_on_device(app, gaps=False):
    """Walk through the trip's sectors with the device's own means; every tag and every joint is checked.

    `gaps`: bad sectors may have used up sequences.
    """
    found, ring = Found(), app.trip.ring
    found.first = ring.places.first_index()
    key, epoch, tag, before, last = K0, 0, bytes(8), None, None
    for index in range(found.first, ring.index + 1):
        sector = bytearray(SECTOR_SIZE)
        expect(ring.read_into(index, 0, sector), "sector", index, "is not there")
        header = records.unpack_checked(records.HEADER, sector, HEADER_AT, records.MAGIC_HEADER)
        expect(header and header[5:7] == (ring.trip, index), "sector", index, "has the header", header)
        follows = before is None or header[4] == before + 1 or (gaps and header[4] > before)
        expect(follows, "sequence", header[4], "follows", before)
        before = header[4]
        if index == found.first:
            while epoch < header[7]:
                key, epoch = seals.next_key(key), epoch + 1
        else:
            if found.seal is None:
                # Its place is worn out: the next header vouches for the sector.
                tag = _tag_of(last, ring.trip, key, epoch)
                key, epoch, found.seal = seals.next_key(key), epoch + 1, records.SEAL_FULL
            expect(found.seal == records.SEAL_FULL, "sector", index - 1, "is not sealed")
            expect(header[11] == tag, "sector", index, "does not follow from the one before")
        expect(header[7] == epoch, "sector", index, "is of epoch", header[7], "not", epoch)
        key, epoch, tag, found.seal = _read_sector(found, sector, header[4], ring.trip, key, epoch)
        last = sector
    return found


def _tag_of(sector, trip, key, epoch):
    """The first bytes of the tag that a full sector's seal would have."""
    header = records.unpack_checked(records.HEADER, sector, HEADER_AT, records.MAGIC_HEADER)
    scanned, _, _ = frames.scan_all(sector, FRAMES_AT, FRAMES_END, header[4])
    values = (records.MAGIC_SEAL, header[4], epoch, records.SEAL_FULL, 0, _end_of(scanned), len(scanned), 0, header[8])
    fields = pack((records.SEAL[0], 1, records.SEAL[2][:-2]), values)
    return seals.seal_tag(key, trip, epoch, memoryview(sector)[:FRAMES_END], fields)[:8]


def _end_of(scanned):
    return scanned[-1][3] + frames.CHECK_SIZE


def _read_sector(found, sector, sequence, trip, key, epoch):
    view = memoryview(sector)
    scanned, _, _ = frames.scan_all(sector, FRAMES_AT, FRAMES_END, sequence)
    expect(scanned and scanned[0][1] == frames.PLAN, "no plan at the beginning of sequence", sequence)
    for _, kind, start, end in scanned:
        _take(found, kind, sector, start, end)
        if kind == frames.CHECKPOINT:
            fields = unpack(frames.TABLES[kind], sector, start, end)
            right = seals.checkpoint_tag(key, trip, epoch, view[: end - 16])
            expect(fields[0] == epoch and fields[3] == right, "checkpoint of epoch", fields[0], "at epoch", epoch)
            key, epoch = seals.next_key(key), epoch + 1
    tag, sealed = b"", None
    for at in (records.SEAL_A_AT, records.SEAL_B_AT):
        seal = records.unpack_checked(records.SEAL, sector, at, records.MAGIC_SEAL)
        if seal:
            expect(sealed is None, "two seals of sequence", sequence)
            expect(seal[1:3] == (sequence, epoch), "a seal of sequence and epoch", seal[1:3], "at", (sequence, epoch))
            counts = (_end_of(scanned), len(scanned))
            expect(seal[5:7] == counts, "the seal counts", seal[5:7], "not", counts)
            right = seals.seal_tag(key, trip, epoch, view[:FRAMES_END], view[at : at + records.SEAL_TAGGED])
            expect(seal[9] == right, "the seal of sequence", sequence, "does not fit")
            key, epoch, tag, sealed = seals.next_key(key), epoch + 1, right[:8], seal[3]
    return key, epoch, tag, sealed


def _take(found, kind, sector, start, end):
    if kind == frames.READINGS:
        _, slot, count, data = unpack(frames.TABLES[kind], sector, start, end)
        values = series.decode(data, count, series.BLOCK_READINGS)
        expect(values == [value(slot + i) for i in range(count)], "slot", slot, "on are not what was read:", values)
        found.slots.extend(range(slot, slot + count))
    elif kind == frames.MARK:
        found.marks.append(unpack(frames.TABLES[kind], sector, start, end)[5])
    elif kind == frames.BOOT:
        found.resumed.append(unpack(frames.TABLES[kind], sector, start, end)[3])


def check_trip(found, before, after, went_on):
    """Compare a trip's record with what was committed before the cut, and what might have been."""
    first = found.slots[0] if found.slots else 0
    expect(found.first > 0 or first == 0, "the record begins with slot", first)
    expect(found.slots == list(range(first, first + len(found.slots))), "slots:", found.slots)
    last = found.slots[-1] if found.slots else -1
    if went_on:
        expect(found.resumed, "no boot frame")
        # The last slot before the first start since the cut.
        resumed = found.resumed[before.starts]
        last = resumed - 1 if resumed != records.NO_SLOT else -1
    expect(before.slot <= last <= max(before.slot, after.slot), "last slot", last, "not", before.slot, "to", after.slot)
    marks = [mark for mark in found.marks if mark != b"AGAIN"]
    expect(len(found.marks) - len(marks) == (1 if went_on else 0), "marks after the start:", found.marks)
    expect(
        before.marks <= _first_mark(marks, found) + len(marks) <= after.marks, "marks", marks, before.marks, after.marks
    )
    numbers = [b"M%d" % (_first_mark(marks, found) + i + 1) for i in range(len(marks))]
    expect(marks == numbers, "marks", marks)


def _first_mark(marks, found):
    """How many marks lie before the first that the ring still holds."""
    return int(marks[0][1:]) - 1 if marks and found.first else 0


def check_cut(rehearsal, cut, flash, read=read_on_device):
    """Start the logger on a flash that was cut, and look; every fourth has to take another trip, too."""
    before, after = rehearsal.watch.at(cut.operation)
    chance = Chance(str(cut))
    app, host = start_often(flash, chance)
    check_after(app, host, before, after, read)
    if chance.below(4) == 0:
        _arm_next(app, host)


def _check_commands(app, host, before, after):
    """The device key and how far was read are what they were before the cut, or what they were to be."""
    expect(host.app._commands._identity.key in (before.key, after.key), "the device key is lost")
    host.key = app._commands._identity.key or host.key
    kept = host.read(smp.CMD_CALIBRATE)["cal"]
    expect(kept in (before.calibration, after.calibration), "calibrations", kept)
    if before.trip == after.trip:
        state = app.state
        read = (state.read_index, state.read_used)
        expect(before.read <= read <= max(before.read, after.read), "read up to", read)


def check_after(app, host, before, after, read=read_on_device):
    """All that must hold once the logger runs again after a cut; `read(app)` gives its record."""
    state = app.state
    _check_commands(app, host, before, after)
    if before.trip and after.trip == before.trip:
        expect(state.trip == before.trip, "trip", state.trip, "not", before.trip)
    expect(state.trip in (before.trip, after.trip), "trip", state.trip)
    known = before if state.trip == before.trip else after
    if known is after:
        before = _nothing_of(after)
    if state.state in RUNNING:
        expect(before.state != codes.STATE_STOPPED, "a stopped trip runs")
        _go_on(app, host)
        found = read(app)
        check_trip(found, before, after if after.trip == state.trip else before, True)
        expect(found.seal == records.SEAL_CLOSED, "the trip is not closed")
    elif state.trip:
        expect(codes.STATE_STOPPED in (before.state, after.state), "the trip ended by itself, reason", state.reason)
        expect(state.reason == codes.REASON_COMMAND, "the trip was stopped for the reason", state.reason)
        found = read(app)
        check_trip(found, before, after if after.trip == state.trip else before, False)
        expect(found.seal == records.SEAL_CLOSED, "the trip is not closed")
    expect(app.trip.ratchet.key is None, "a key is left")
    for sector in KEY_SECTORS:
        data = app.area.flash.left(sector)[HEADER_AT:]
        expect(not data.replace(b"\0", b"").replace(b"\xff", b""), "a piece of a key lies in sector", sector)


def _nothing_of(known):
    """The trip was armed, and no more is certain."""
    other = known.copy()
    other.slot, other.marks, other.starts, other.state = -1, 0, 0, codes.STATE_ARMED
    return other


def _go_on(app, host):
    run(app, app.board.tick_ms + 2 * MINUTE)
    event = {"kind": codes.MARK_FREE, "outcome": 0, "op": "AB", "place": "AGAIN", "note": ""}
    answer = host.prove(smp.CMD_MARK, event)
    expect("tick" in answer, "the mark was refused:", answer)
    answer = host.prove(smp.CMD_STOP, {"op": "AB"})
    expect(answer == {}, "the stop was refused:", answer)


def _arm_next(app, host):
    """The logger takes another trip."""
    highest = max(app.trip.ring.newest_trip, app.trip.ratchet.trip)
    answer = arm(host, plan(), discard=True)
    expect("trip" in answer, "arming was refused:", answer)
    expect(answer["trip"] > highest, "trip number", answer["trip"], "after", highest)
    run(app, app.board.tick_ms + 3 * MINUTE)
    expect(host.prove(smp.CMD_STOP, {"op": "AB"}) == {}, "the stop was refused")
    found = read_on_device(app)
    expect(found.slots == [0, 1, 2, 3], "the next trip has the slots", found.slots)
