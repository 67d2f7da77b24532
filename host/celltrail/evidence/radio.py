"""How often and how long the radio was on, and suspended in flight, as the record says."""

from dataclasses import dataclass

from celltrail.evidence.record import Record
from celltrail_protocol.codes import RADIO_ON, RADIO_SUSPENDED


@dataclass(frozen=True)
class RadioTimes:
    """Intervals and their sum in ms; one that a restart has ended lasts until the last that is known of its boot."""

    on: int
    on_ms: int
    suspended: int
    suspended_ms: int


def radio_times(record: Record) -> RadioTimes:
    """Of the whole trip, as far as its record is there."""
    ends = {last.boot: last.tick_ms for last in record.last_ticks}
    counts, lengths_ms = dict.fromkeys((RADIO_ON, RADIO_SUSPENDED), 0), dict.fromkeys((RADIO_ON, RADIO_SUSPENDED), 0)
    for number, change in enumerate(record.radio):
        if change.state not in counts:
            continue
        after = record.radio[number + 1].at if number + 1 < len(record.radio) else None
        same = after is not None and after.boot == change.at.boot
        end_ms = after.tick_ms if after is not None and same else ends.get(change.at.boot, change.at.tick_ms)
        counts[change.state] += 1
        lengths_ms[change.state] += max(0, end_ms - change.at.tick_ms)
    return RadioTimes(counts[RADIO_ON], lengths_ms[RADIO_ON], counts[RADIO_SUSPENDED], lengths_ms[RADIO_SUSPENDED])
