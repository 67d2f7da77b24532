"""The pending file: readings that were committed and not yet packed (SPEC.md sections 7 and 9.2)."""

from dataclasses import dataclass, field

import numpy as np

from celltrail.evidence.record import Flaw
from celltrail_protocol.frames import JOURNAL_READING, TABLES
from celltrail_protocol.layout import ProtocolError, unpack
from celltrail_protocol.records import NO_READING

PENDING_SECTOR = -1


@dataclass
class Pending:
    """(channel, slot, raw) of readings, (channel, slot, fault code) of slots without one, and flaws."""

    readings: list[tuple[int, int, int]] = field(default_factory=list)
    missing: list[tuple[int, int, int]] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


def read_pending(data: bytes, channels: int) -> Pending:
    """All that can be read; a flaw's sector is PENDING_SECTOR and its offset that in the pending file."""
    found = Pending()
    at = 0
    while at < len(data) and channels:
        end = at + 1 + data[at]
        try:
            if end > len(data):
                raise ProtocolError("a pending reading is cut off")
            _take(found, data[at + 1 : end], channels)
        except ProtocolError as error:
            found.flaws.append(Flaw(str(error), PENDING_SECTOR, at, min(end, len(data))))
        at = end
    return found


def _take(found: Pending, payload: bytes, channels: int) -> None:
    slot, rest = unpack(TABLES[JOURNAL_READING], payload)
    values_end = 2 * channels
    if len(rest) < values_end:
        raise ProtocolError("a pending reading is too short")
    values = np.frombuffer(rest, "<i2", channels).tolist()
    without = [channel for channel, value in enumerate(values) if value == NO_READING]
    codes = rest[values_end : values_end + len(without)]
    if len(codes) < len(without):
        raise ProtocolError("a pending reading lacks its fault codes")
    found.readings += [(channel, slot, value) for channel, value in enumerate(values) if value != NO_READING]
    found.missing += [(channel, slot, code) for channel, code in zip(without, codes, strict=True)]
