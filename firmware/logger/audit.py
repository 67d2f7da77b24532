"""The audit trail: who changed what, in the record of the trip, or kept for the next one (SPEC.md section 3)."""

from celltrail_protocol import codes, frames, smp
from celltrail_protocol.layout import ProtocolError, pack, unpack
from celltrail_protocol.records import EARLIER_HEAD, EARLIER_MOST, STORE_EARLIER
from logger.request import integer, refused, text
from logger.ring import RingFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.store import Store
    from logger.trip import Trip

_HEAD = 4
_MOST_DROPPED = 0xFFFF


class Audit:
    """What happens between two trips waits in the store for the next one: the last commands, and how many before.

    Every frame or record here is written before the change that it tells of: power that is cut between the two
    may leave a word too many, never a change without a word.
    """

    def __init__(self, store: "Store", trip: "Trip") -> None:
        self._store = store
        self._trip = trip
        self._told = 0
        self._earlier: "list[tuple[Any, ...]]" = []
        self._boot_kept = False

    def mount(self) -> None:
        """Read what waits."""
        data = self._store.get(STORE_EARLIER) or bytes(_HEAD)
        at = _HEAD
        try:
            self._told = unpack(EARLIER_HEAD, data)[0]
            # What waited before a trip that is open now lies in its record already: the cut came before the clearing.
            while at < len(data) and not self._trip.ring.is_open:
                end = min(at + 1 + data[at], len(data))
                self._earlier.append(unpack(frames.TABLES[frames.EARLIER], data, at + 1, end))
                at = end
        except ProtocolError:
            # Bytes that check and are none of ours: what was understood before them counts.
            pass
        self._earlier = self._earlier[:EARLIER_MOST]

    def keep_boot(self) -> None:
        """Make the count of this boot durable, once: no later boot may pass for it. A flash that refuses is told of
        by whatever is written next.
        """
        self._boot_kept = self._boot_kept or self._trip.state.save()

    def note(self, command: int, request: "dict[str, Any]", now_ms: int, flags: int = 0, detail: int = 0) -> None:
        """Commit that a command is about to be carried out; raises Refused, and RingFull."""
        operator = text(request, "op", 12)
        utc_ms = integer(request, "utc", 0, (1 << 48) - 1) if "utc" in request else 0
        if self._trip.ring.is_open:
            self._trip.event(frames.COMMAND, (now_ms, command, operator, flags, detail), now_ms)
        elif not self._wait(command, operator, now_ms, flags, detail, utc_ms):
            raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)

    def _wait(self, command: int, operator: bytes, now_ms: int, flags: int, detail: int, utc_ms: int) -> bool:
        """Keep a command for the next trip; False when the flash does not take it."""
        trip = self._trip
        values = (0, trip.state.boot, now_ms, command, operator, flags, detail, utc_ms, trip.ring.trip)
        kept = self._earlier + [values]
        if len(kept) > EARLIER_MOST:
            dropped = min(_MOST_DROPPED, kept[0][0] + 1 + kept[1][0])
            kept = [(dropped,) + kept[1][1:]] + kept[2:]
        return self._keep(kept)

    def _keep(self, kept: "list[tuple[Any, ...]]") -> bool:
        data = pack(EARLIER_HEAD, (self._told,))
        for values in kept:
            payload = pack(frames.TABLES[frames.EARLIER], values)
            data += bytes((len(payload),)) + payload
        if not self._store.put(STORE_EARLIER, data):
            return False
        self._earlier = kept
        return True

    def opening(self, request: "dict[str, Any]", now_ms: int, flags: int, detail: int) -> "list[tuple[int, Any]]":
        """(type, values) of the frames that a new trip begins with: what waited, and the arming itself."""
        found: "list[tuple[int, Any]]" = [(frames.EARLIER, values) for values in self._earlier]
        operator = text(request, "op", 12)
        return found + [(frames.COMMAND, (now_ms, smp.CMD_ARM, operator, flags, detail))]

    def clear(self) -> None:
        """What waited lies in the record of a trip now."""
        if self._earlier:
            self._keep([])

    def wrong_key(self, now_ms: int) -> None:
        """Commit a wrong proof, the first of a trip and the first between two: nobody shall wear the flash."""
        trip = self._trip
        span = (trip.state.next_trip << 1 | trip.ring.is_open) & 0xFFFFFFFF
        if span == self._told:
            return
        self._told = span
        self.keep_boot()
        if not trip.ring.is_open:
            self._wait(smp.CMD_CHALLENGE, b"", now_ms, frames.COMMAND_WRONG_KEY, 0, 0)
            return
        # Kept first: not even who can restart the logger gets a second frame out of it.
        self._keep(self._earlier)
        try:
            trip.fault(codes.SOURCE_LINK, codes.FAULT_WRONG_KEY, 0, now_ms)
        except RingFull:
            # The trip ends for want of room anyway.
            pass
