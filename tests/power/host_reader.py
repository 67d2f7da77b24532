"""The record of a cut logger as the host reads it: a real read-out, verified under its key and decoded."""

from pathlib import Path

from fakes import K0
from power_check import Found, expect
from power_works import value

from celltrail.evidence import verdict as words
from celltrail.evidence.causes import ALTERED
from celltrail.evidence.record import Record
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail_protocol.codes import SOURCE_FLASH
from celltrail_protocol.records import NO_SLOT, SEAL_CLOSED, SECTOR_SIZE

_NOWHERE = Path("cut.trail")


class HostReader:
    """Reads any trip of the bench's loggers; `keys` holds their K(0), `count` is how many records were read."""

    def __init__(self, keys: KeyStore, uid: bytes) -> None:
        self.count = 0
        self._keys = keys
        self._known: set[int] = set()
        self._uid = uid

    def __call__(self, app) -> Found:
        """What `power_check.read_on_device` gives, by way of a `.trail` file."""
        self.count += 1
        ring = app.trip.ring
        self._learn(ring.trip)
        found = Found()
        found.first = ring.places.first_index()
        checked = check_trail(parse_trail(trail_bytes(_parts(app, found.first)), _NOWHERE), self._keys)
        verdict, record = checked.verdict, checked.record
        changed = [finding.line for finding in verdict.findings if finding.kind == ALTERED]
        expect(not changed, *changed[:2])
        whole = verdict.word == (words.INCOMPLETE if found.first else words.CLOSED)
        expect(whole, "the verdict is", verdict.word, *[one.line for one in verdict.faults[:2]])
        found.seal = SEAL_CLOSED
        (channel,) = record.channels
        found.slots = channel.slots.tolist()
        expect(channel.raw.tolist() == [value(slot) for slot in found.slots], "other readings than were taken")
        found.marks = [mark.place.encode() for mark in record.marks]
        found.failures = [fault.detail for fault in record.faults if fault.source == SOURCE_FLASH]
        found.resumed = [_resumed(record, boot.at.boot) for boot in record.boots]
        return found

    def _learn(self, trip: int) -> None:
        if trip not in self._known:
            self._keys.save_trip(self._uid, trip, K0)
            self._known.add(trip)


def _resumed(record: Record, boot: int) -> int:
    """The first slot of a boot; of a later one, when it ended before it had any."""
    return min((origin.slot0 for origin in record.origins if origin.boot >= boot), default=NO_SLOT)


def _parts(app, first: int) -> TrailParts:
    ring, sector = app.trip.ring, bytearray(SECTOR_SIZE)
    data = bytearray()
    for index in range(first, ring.index + 1):
        expect(ring.read_into(index, 0, sector), "sector", index, "is not there")
        data += sector
    meta = {"uid": app.board.uid, "name": "", "trip": ring.trip, "host": "", "operator": "", "pairs": []}
    return TrailParts(meta, [(first, bytes(data))])
