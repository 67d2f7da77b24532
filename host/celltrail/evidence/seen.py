"""How far this host has seen each trip's record: what was there once can't be taken back unnoticed.

seen/<uid>-<trip>.json in the key store, written after a file whose end is proven, and only ever forwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from celltrail.evidence import causes
from celltrail.evidence.chain import Tag
from celltrail.evidence.findings import Finding, at_sector
from celltrail.evidence.freshness import is_closed, last_instant
from celltrail.evidence.record import Record
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import Trail
from celltrail.evidence.vouching import link_of
from celltrail.keys.keystore import KeyStore
from celltrail.utc import iso, parse, short
from celltrail_protocol.seals import commitment

FOLDER = "seen"
# Two hosts' clocks may differ by more than they know.
_MARGIN_MS = 2 * 60 * 1000


@dataclass(frozen=True)
class Seen:
    """A read-out's end: `used` bytes of sector `index`, `epoch` the next key's; `boot`, `tick_ms`, `utc_ms` its last.

    `seals` maps the index of a sector to the first bytes of its seal's tag; `head` is SHA-256 of the end's bytes.
    `commitment` tells the trip's K(0) from that of another life of the same logger; empty without a key.
    """

    index: int
    used: int
    epoch: int
    closed: bool
    head: bytes
    seals: Mapping[int, bytes]
    boot: int | None
    tick_ms: int | None
    utc_ms: int | None
    uncertainty_ms: int
    digest: bytes
    commitment: bytes = b""

    @property
    def end(self) -> str:
        """sector 4 up to byte 1234, epoch 9, closed."""
        return f"sector {self.index} up to byte {self.used}, epoch {self.epoch}" + (", closed" * self.closed)

    @property
    def when(self) -> str:
        """When it was read, for people."""
        return "an unknown time" if self.utc_ms is None else f"{short(self.utc_ms)} UTC"

    def is_less_than(self, other: "Seen") -> bool:
        """Whether the other has seen more of the trip; a closing seal takes an epoch, too."""
        return (self.index, self.used) < (other.index, other.used) or self.epoch < other.epoch

    def claims_later_than(self, other: "Seen") -> bool:
        """Whether it says that it was read after the other: by the logger's own ticks, or by UTC beyond all doubt."""
        if None not in (self.boot, self.tick_ms, other.boot, other.tick_ms):
            mine, its = (self.boot or 0, self.tick_ms or 0), (other.boot or 0, other.tick_ms or 0)
            if mine > its:
                return True
        if self.utc_ms is None or other.utc_ms is None:
            return False
        return self.utc_ms - other.utc_ms > self.uncertainty_ms + other.uncertainty_ms + _MARGIN_MS

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": 1,
            "index": self.index,
            "used": self.used,
            "epoch": self.epoch,
            "closed": self.closed,
            "head": self.head.hex(),
            "seals": {str(index): tag.hex() for index, tag in sorted(self.seals.items())},
            "boot": self.boot,
            "tick_ms": self.tick_ms,
            "read_utc": None if self.utc_ms is None else iso(self.utc_ms),
            "uncertainty_ms": self.uncertainty_ms,
            "sha256": self.digest.hex(),
            "commitment": self.commitment.hex(),
        }


def _from_json(values: Mapping[str, Any]) -> Seen:
    return Seen(
        index=int(values["index"]),
        used=int(values["used"]),
        epoch=int(values["epoch"]),
        closed=bool(values["closed"]),
        head=bytes.fromhex(values["head"]),
        seals={int(index): bytes.fromhex(tag) for index, tag in values["seals"].items()},
        boot=None if values["boot"] is None else int(values["boot"]),
        tick_ms=None if values["tick_ms"] is None else int(values["tick_ms"]),
        utc_ms=None if values["read_utc"] is None else parse(values["read_utc"]),
        uncertainty_ms=int(values["uncertainty_ms"]),
        digest=bytes.fromhex(values["sha256"]),
        commitment=bytes.fromhex(values["commitment"]),
    )


def end_of(
    trail: Trail, record: Record, sectors: Sequence[Sector], tags: Sequence[Sequence[Tag]], k0: bytes | None
) -> Seen | None:
    """How far a read-out goes; `tags` are those of each sector. None without any sector."""
    if not sectors:
        return None
    last = sectors[-1]
    used = last.seal.used if last.seal is not None else last.used
    at = last_instant(record)
    pair = next((one for one in record.clock_pairs if one.at == at and not one.recorded), None)
    return Seen(
        index=last.index,
        used=used,
        epoch=_epoch_after(tags),
        closed=is_closed(sectors),
        head=sha256(last.data[:used]).digest(),
        seals={its_tags[-1].sector.index: link for its_tags in tags if (link := link_of(its_tags)) is not None},
        boot=at.boot if at else None,
        tick_ms=at.tick_ms if at else None,
        utc_ms=pair.utc_ms if pair else None,
        uncertainty_ms=pair.uncertainty_ms if pair else 0,
        digest=trail.digest,
        commitment=b"" if k0 is None else commitment(k0),
    )


def _epoch_after(tags: Sequence[Sequence[Tag]]) -> int:
    """The epoch after the last tag, as the file says."""
    last = next((its_tags[-1].epoch for its_tags in reversed(tags) if its_tags), -1)
    return last + 1


def recall(keys: KeyStore, uid: bytes, trip: int) -> Seen | None:
    """How far this host has seen a trip, None when it has not."""
    return keys.load(FOLDER, _name(uid, trip), _from_json)


def remember(keys: KeyStore, uid: bytes, trip: int, now: Seen) -> None:
    """Keep a proven end, unless more has been seen; UsageFault when the key store can't be written."""
    known = recall(keys, uid, trip)
    if known is not None and known.commitment == now.commitment:
        if now.digest == known.digest or now.is_less_than(known):
            return
        now = replace(now, seals={**known.seals, **now.seals})
    keys.save(FOLDER, _name(uid, trip), now.to_json())


def compare(known: Seen, now: Seen, trail: Trail, sectors: Sequence[Sector]) -> list[Finding]:
    """What a read-out contradicts of what was seen before."""
    if known.digest == now.digest or now.commitment not in (b"", known.commitment):
        return []
    return _other_content(known, now, sectors) + (_holds_less(known, now, trail) if now.is_less_than(known) else [])


def _holds_less(known: Seen, now: Seen, trail: Trail) -> list[Finding]:
    if not now.claims_later_than(known):
        text = f"a later read-out of this trip is known here, of {known.when}: {known.end}; this one: {now.end}"
        return [Finding(causes.NEWER_KNOWN, text)]
    first, end = trail.meta_place
    text = (
        f"an older read-out presented as newer: it says that it was read at {now.when}, after the read-out of "
        f"{known.when} that is known here, but it ends at {now.end} instead of {known.end}"
    )
    return [Finding(causes.OLDER_READ_OUT, text, first_byte=first, end_byte=end)]


def _other_content(known: Seen, now: Seen, sectors: Sequence[Sector]) -> list[Finding]:
    """Sectors that lie there otherwise than they did before; a record only grows."""
    found = []
    for sector in sectors:
        before, after = known.seals.get(sector.index), now.seals.get(sector.index)
        if before is not None and after is not None and before != after:
            found.append(_changed(known, sector, len(sector.data)))
        elif sector.index == known.index and not _goes_on(known, sector):
            found.append(_changed(known, sector, known.used))
    return found


def _goes_on(known: Seen, sector: Sector) -> bool:
    """Whether the end that was seen stands there still, as far as the sector goes."""
    return len(sector.data) < known.used or sha256(sector.data[: known.used]).digest() == known.head


def _changed(known: Seen, sector: Sector, end: int) -> Finding:
    text = f"holds something else here than in the read-out of {known.when} that is known on this computer"
    return at_sector(causes.OTHER_CONTENT, text, sector, 0, end)


def _name(uid: bytes, trip: int) -> str:
    return f"{uid.hex()}-{trip}"
