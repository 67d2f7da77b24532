"""All slots of a trip as one table: a row for each slot and channel, readings and what is missing alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from celltrail.errors import UsageFault
from celltrail.evidence.outages import UNACCOUNTED, reason_of
from celltrail.evidence.record import Channel, Floats, Ints, Record
from celltrail.evidence.verify import Checked

READ = "ok"
# A damaged or crafted file may claim gaps of thousands of years.
MOST_ROWS = 100_000_000
_COLUMNS = ("slot", "channel", "raw", "status")


@dataclass(frozen=True)
class ReadingsTable:
    """Columns of equal length, by slot and then by channel.

    `utc_ms` is NaN and `bound_ms` infinite where the time is unknown. `status` indexes `words`: "ok" for a reading,
    else the reason why there is none; `raw` and `celsius` mean nothing then.
    """

    utc_ms: Floats
    bound_ms: Floats
    boot: Ints
    tick_ms: Ints
    slot: Ints
    channel: Ints
    raw: npt.NDArray[np.int16]
    celsius: Floats
    status: Ints
    words: tuple[str, ...]

    @property
    def is_read(self) -> npt.NDArray[np.bool_]:
        """Which rows are readings."""
        return np.asarray(self.status == 0)


def readings_table(checked: Checked) -> ReadingsTable:
    """The table of a record; UsageFault when it would be absurdly long."""
    record = checked.record
    words = [READ]
    pieces = [_piece(channel, *_lacking(checked, channel, words)) for channel in record.channels]
    rows = np.concatenate([np.zeros((0, len(_COLUMNS)), np.int64), *pieces])
    slot, number, raw, status = (rows[np.lexsort((rows[:, 1], rows[:, 0])), i] for i in range(len(_COLUMNS)))
    boot, tick_ms = record.instants_of(slot)
    utc_ms, bound_ms = checked.clock.utc_of(boot, tick_ms)
    steps_c = np.array([channel.sensor.celsius(1) for channel in record.channels] or [0.0])
    return ReadingsTable(
        utc_ms=utc_ms,
        bound_ms=bound_ms,
        boot=boot,
        tick_ms=tick_ms,
        slot=slot,
        channel=number,
        raw=raw.astype(np.int16),
        celsius=raw * steps_c[number],
        status=status,
        words=tuple(words),
    )


def _piece(channel: Channel, slots: Ints, status: Ints) -> Ints:
    """The rows of one channel: its readings, and then its slots without one."""
    read = len(channel.slots)
    rows = np.zeros((read + len(slots), len(_COLUMNS)), np.int64)
    rows[:read, 0], rows[read:, 0] = channel.slots, slots
    rows[:, 1] = channel.number
    rows[:read, 2] = channel.raw
    rows[read:, 3] = status
    return rows


def _lacking(checked: Checked, channel: Channel, words: list[str]) -> tuple[Ints, Ints]:
    """A channel's slots without a reading, each once, and the number of the reason's word."""
    spans = _spans(checked.record, channel.number)
    spans += [(one.first, one.end, UNACCOUNTED) for one in checked.verdict.holes if one.channel == channel.number]
    if sum(end - first for first, end, _ in spans) > MOST_ROWS:
        raise UsageFault(
            f"{checked.trail.path}: claims more than {MOST_ROWS} slots without a reading; see 'celltrail verify'"
        )
    for _, _, reason in spans:
        if reason not in words:
            words.append(reason)
    slots = np.concatenate([np.arange(first, end) for first, end, _ in spans] or [np.zeros(0, np.int64)])
    status = np.repeat(
        np.array([words.index(reason) for _, _, reason in spans], np.int64),
        np.array([end - first for first, end, _ in spans], np.int64),
    )
    slots, first = np.unique(slots, return_index=True)
    alone = ~np.isin(slots, channel.slots)
    return slots[alone].astype(np.int64), status[first][alone]


def _spans(record: Record, channel: int) -> list[tuple[int, int, str]]:
    mine: Sequence[int | None] = (None, channel)
    return [
        (run.first, run.end, reason_of(run)) for run in record.runs if run.kind != "reading" and run.channel in mine
    ]
