"""All slots of a trip as one table: a row for each slot and channel, readings and what is missing alike.

It comes in pieces, so that a long trip, or a file that claims one, needs no more memory than a short one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from celltrail.errors import UsageFault
from celltrail.evidence.outages import UNACCOUNTED, reason_of
from celltrail.evidence.record import Channel, Floats, Ints
from celltrail.evidence.verify import Checked

READ = "ok"
# A damaged or crafted file may claim gaps of thousands of years in a few bytes: so many slots without a reading are
# listed, and more for each reading, so that the table grows with the file. A minute for 400 days are 576,000.
MOST_LACKING = 1_000_000
LACKING_A_READING = 10
# So many slots at a time: some 20 MB for each channel.
_SLOTS_A_PIECE = 100_000
_COLUMNS = ("slot", "channel", "raw", "status")


@dataclass(frozen=True)
class ReadingsTable:
    """Columns of equal length, by slot and then by channel.

    `utc_ms` is NaN and `bound_ms` infinite where the time is unknown. `status` indexes `words`: "ok" for a reading,
    else the reason why there is none; `raw`, `celsius` and `hectopascal` mean nothing then. One of the latter two is
    NaN: what the channel does not measure.
    """

    utc_ms: Floats
    bound_ms: Floats
    boot: Ints
    tick_ms: Ints
    slot: Ints
    channel: Ints
    raw: npt.NDArray[np.int16]
    celsius: Floats
    hectopascal: Floats
    status: Ints
    words: tuple[str, ...]

    @property
    def is_read(self) -> npt.NDArray[np.bool_]:
        """Which rows are readings."""
        return np.asarray(self.status == 0)

    @property
    def is_celsius(self) -> npt.NDArray[np.bool_]:
        """Which rows are readings of a temperature."""
        return np.asarray(self.is_read & ~np.isnan(self.celsius))

    @property
    def is_hectopascal(self) -> npt.NDArray[np.bool_]:
        """Which rows are readings of a pressure."""
        return np.asarray(self.is_read & ~np.isnan(self.hectopascal))


def readings_tables(checked: Checked) -> Iterator[ReadingsTable]:
    """The table of a record piece by piece, by slot; at least one piece. UsageFault when it would be absurdly long."""
    record = checked.record
    words = [READ]
    spans = [_spans(checked, channel, words) for channel in record.all_channels]
    lacking = sum(int((one[:, 1] - one[:, 0]).sum()) for one in spans)
    if lacking > MOST_LACKING + LACKING_A_READING * record.readings:
        raise UsageFault(
            f"{checked.trail.path}: claims {lacking} slots without a reading, too many beside {record.readings} with"
            " one to list them; see `celltrail verify`"
        )
    for window in _windows(record.all_channels, spans):
        first, end = window * _SLOTS_A_PIECE, (window + 1) * _SLOTS_A_PIECE
        pieces = [_piece(channel, span, first, end) for channel, span in zip(record.all_channels, spans, strict=True)]
        yield _table(checked, np.concatenate([np.zeros((0, len(_COLUMNS)), np.int64), *pieces]), words)


def _table(checked: Checked, rows: Ints, words: Sequence[str]) -> ReadingsTable:
    record = checked.record
    slot, number, raw, status = (rows[np.lexsort((rows[:, 1], rows[:, 0])), i] for i in range(len(_COLUMNS)))
    boot, tick_ms = record.instants_of(slot)
    utc_ms, bound_ms = checked.clock.utc_of(boot, tick_ms)
    of_pressure = [channel.sensor.is_barometer for channel in record.all_channels]
    steps = [channel.sensor.step for channel in record.all_channels]
    steps_c = np.array(
        [math.nan if pressure else step for pressure, step in zip(of_pressure, steps, strict=True)] + [0]
    )
    steps_hPa = np.array(
        [step if pressure else math.nan for pressure, step in zip(of_pressure, steps, strict=True)] + [0]
    )
    return ReadingsTable(
        utc_ms=utc_ms,
        bound_ms=bound_ms,
        boot=boot,
        tick_ms=tick_ms,
        slot=slot,
        channel=number,
        raw=raw.astype(np.int16),
        celsius=raw * steps_c[number],
        hectopascal=raw * steps_hPa[number],
        status=status,
        words=tuple(words),
    )


def _windows(channels: Sequence[Channel], spans: Sequence[Ints]) -> list[int]:
    """The numbers of the pieces that hold anything: a crafted file's slots may lie far apart."""
    found = {0} | {int(one) for channel in channels for one in np.unique(channel.slots // _SLOTS_A_PIECE)}
    for first, end, _ in (span for one in spans for span in one.tolist()):
        found.update(range(first // _SLOTS_A_PIECE, (end - 1) // _SLOTS_A_PIECE + 1))
    return sorted(found)


def _piece(channel: Channel, spans: Ints, first: int, end: int) -> Ints:
    """The rows of one channel from slot `first` on: its readings, and then its slots without one."""
    here = slice(*np.searchsorted(channel.slots, (first, end)))
    read = channel.slots[here]
    slots, status = _lacking(read, spans, first, end)
    rows = np.zeros((len(read) + len(slots), len(_COLUMNS)), np.int64)
    rows[: len(read), 0], rows[len(read) :, 0] = read, slots
    rows[:, 1] = channel.number
    rows[: len(read), 2] = channel.raw[here]
    rows[len(read) :, 3] = status
    return rows


def _lacking(read: Ints, spans: Ints, first: int, end: int) -> tuple[Ints, Ints]:
    """The slots without a reading, each once, and the number of the reason's word."""
    mine = spans[(spans[:, 0] < end) & (spans[:, 1] > first)]
    firsts, ends = np.maximum(mine[:, 0], first), np.minimum(mine[:, 1], end)
    lengths = ends - firsts
    begins = np.cumsum(lengths) - lengths
    slots = np.arange(int(lengths.sum())) + np.repeat(firsts - begins, lengths)
    alone = ~np.isin(slots, read)
    return slots[alone], np.repeat(mine[:, 2], lengths)[alone]


def _spans(checked: Checked, channel: Channel, words: list[str]) -> Ints:
    """Rows of (first, end, number of the reason's word) of the slots without a reading, ascending and none twice.

    New words are added.
    """
    mine: Sequence[int | None] = (None, channel.number)
    found = [
        (run.first, run.end, reason_of(run))
        for run in checked.record.runs
        if run.kind != "reading" and run.channel in mine
    ]
    found += [(one.first, one.end, UNACCOUNTED) for one in checked.verdict.holes if one.channel == channel.number]
    numbers = {word: number for number, word in enumerate(words)}
    for _, _, reason in found:
        numbers.setdefault(reason, len(numbers))
    words[:] = numbers
    return _apart(np.array([(first, end, numbers[reason]) for first, end, reason in found], np.int64).reshape(-1, 3))


def _apart(spans: Ints) -> Ints:
    """Each slot in one span: the one that begins first."""
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    spans[1:, 0] = np.maximum(spans[1:, 0], np.maximum.accumulate(spans[:, 1])[:-1])
    return spans[spans[:, 0] < spans[:, 1]]
