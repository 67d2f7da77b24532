"""The checkpoints of a record, which are the most frequent frames beside the readings, all at once."""

import numpy as np

from celltrail.evidence.frame_table import FrameTable, Octets
from celltrail.evidence.noted import MOST_MS
from celltrail.evidence.record import Checkpoints, Ints
from celltrail_protocol.frames import CHECKPOINT, TABLES
from celltrail_protocol.layout import ProtocolError, unpack


class CheckpointFrames(FrameTable):
    """`boots` has one entry for each frame that was taken in."""

    def __init__(self) -> None:
        super().__init__(CHECKPOINT)
        self.boots: list[int] = []

    def decode(self) -> Checkpoints:
        """Those that can be read; the others become flaws."""
        octets, starts, ends = self.gather()
        boots = np.array(self.boots, np.int64)
        fits = ends - starts >= self.dtype.itemsize
        for number in np.flatnonzero(~fits).tolist():
            self._tell_short(octets, int(starts[number]), int(ends[number]))
        starts, ends, boots = starts[fits], ends[fits], boots[fits]
        heads = self.heads(octets, starts)
        possible = heads["tick_ms"] <= MOST_MS
        for number in np.flatnonzero(~possible).tolist():
            self.flaw(int(starts[number]), int(ends[number]), "frame: a tick beyond all times")
        heads, boots = heads[possible], boots[possible]
        return Checkpoints(boots, _ints(heads["tick_ms"]), _ints(heads["epoch"]), _ints(heads["battery_mV"]))

    def _tell_short(self, octets: Octets, start: int, end: int) -> None:
        try:
            unpack(TABLES[CHECKPOINT], bytes(octets[start:end]))
        except ProtocolError as error:
            self.flaw(start, end, str(error))


def _ints(column: np.ndarray[tuple[int, ...], np.dtype[np.integer]]) -> Ints:
    return column.astype(np.int64)
