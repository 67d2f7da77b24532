"""Whose sectors are these? The logger and the trip that most of them name, and those that are foreign."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

from celltrail.evidence import causes
from celltrail.evidence.causes import Cause
from celltrail.evidence.chain import header_finding
from celltrail.evidence.findings import Finding, at_sector
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import Trail
from celltrail_protocol.frames import PLAN, TABLES
from celltrail_protocol.layout import names, size, unpack

T = TypeVar("T")
_PLAN_UID = names(TABLES[PLAN]).index("uid")
_PLAN_TRIP = names(TABLES[PLAN]).index("trip")


@dataclass(frozen=True)
class Owner:
    """A logger's unique id and the number of a trip; None where nothing says so."""

    uid: bytes | None
    trip: int | None


@dataclass(frozen=True)
class Identity:
    """`own` are the sectors of this trip; `findings` name the foreign ones."""

    owner: Owner
    own: Sequence[Sector]
    findings: Sequence[Finding]


class _Claims(NamedTuple):
    """What one sector says; in an honest one the plan frame and the header agree."""

    uid: bytes | None
    plan_trip: int | None
    header_trip: int | None

    @property
    def trip(self) -> int | None:
        return self.plan_trip if self.header_trip is None else self.header_trip


def identify(trail: Trail, sectors: Sequence[Sector]) -> Identity:
    """Tell the trip's own sectors from foreign ones; what most sectors say counts, then what the read-out says."""
    claims = [_claims(sector) for sector in sectors]
    said = Owner(trail.uid or None, trail.trip if trail.trip >= 0 else None)
    owner = Owner(_most([one.uid for one in claims], said.uid), _most([one.trip for one in claims], said.trip))
    foreign = [_foreign(sector, one, owner) for sector, one in zip(sectors, claims, strict=True)]
    own = [sector for sector, found in zip(sectors, foreign, strict=True) if not found]
    return Identity(owner, own, [*chain.from_iterable(foreign), *_check_read_out(trail, said, owner)])


def _claims(sector: Sector) -> _Claims:
    header_trip = sector.header.trip if sector.header is not None else None
    for _, kind, start, end in sector.frames[:1]:
        if kind == PLAN and end - start >= size(TABLES[PLAN]):
            plan = unpack(TABLES[PLAN], sector.data, start, end)
            return _Claims(plan[_PLAN_UID], plan[_PLAN_TRIP], header_trip)
    return _Claims(None, None, header_trip)


def _most(values: Sequence[T | None], said: T | None) -> T | None:
    """The value that most name; among equals the one of the read-out record, then the first."""
    counts = Counter(value for value in values if value is not None)
    return max(counts, key=lambda value: (counts[value], value == said), default=said)


def _foreign(sector: Sector, one: _Claims, owner: Owner) -> list[Finding]:
    found = []
    if one.uid not in (None, owner.uid):
        text = f"a sector of another logger: uid {_hex(one.uid)}, not {_hex(owner.uid)}"
        found.append(_plan_finding(causes.FOREIGN_DEVICE, sector, text))
    if one.header_trip not in (None, owner.trip):
        text = f"a sector of another trip: its header says {one.header_trip}, not {owner.trip}"
        found.append(header_finding(causes.FOREIGN_TRIP, sector, text))
    elif one.plan_trip not in (None, owner.trip):
        text = f"a sector of another trip: its plan frame says {one.plan_trip}, not {owner.trip}"
        found.append(_plan_finding(causes.FOREIGN_TRIP, sector, text))
    return found


def _plan_finding(cause: Cause, sector: Sector, text: str) -> Finding:
    offset, _, _, end = sector.frames[0]
    return at_sector(cause, text, sector, offset, end)


def _check_read_out(trail: Trail, said: Owner, owner: Owner) -> list[Finding]:
    if not trail.meta or (said.uid or b"", said.trip) == (owner.uid or b"", owner.trip):
        return []
    which = f"trip {owner.trip} of logger {_hex(owner.uid)}"
    named = f"trip {said.trip} of logger {_hex(said.uid)}"
    text = f"the sectors are of {which}, but the read-out record names {named}"
    first, end = trail.meta_place
    return [Finding(causes.OTHER_READ_OUT, text, first_byte=first, end_byte=end)]


def _hex(uid: bytes | None) -> str:
    return uid.hex() if uid else "unknown"
