"""All frames of one kind in a record, as one table: their sectors end to end, and where each frame lies in them."""

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

from celltrail.evidence.headers import dtype_of
from celltrail.evidence.record import Flaw, Ints
from celltrail.evidence.scan import Sector
from celltrail_protocol.frames import CHECK_SIZE, OVERHEAD, TABLES

# Length and type, before a payload.
_HEAD = OVERHEAD - CHECK_SIZE

Octets = npt.NDArray[np.uint8]
Heads = npt.NDArray[np.void]


class FrameTable:
    """Payloads lie in `octets[starts[i]:ends[i]]`; `flaws` are those that can't be read."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.dtype = dtype_of(TABLES[kind])
        self.flaws: list[Flaw] = []
        self._sectors: list[Sector] = []
        self._shifts: list[int] = []
        self._size = 0
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def add_sector(self, sector: Sector, stop: int) -> int:
        """Take in a sector's frames of this kind that lie before the offset `stop`; how many there are."""
        kind, shift = self.kind, self._size
        before = len(self._starts)
        self._starts += [start + shift for _, one, start, _ in sector.frames if one == kind and start < stop]
        found = len(self._starts) - before
        if found:
            self._ends += [end + shift for _, one, start, end in sector.frames if one == kind and start < stop]
            self._sectors.append(sector)
            self._shifts.append(shift)
            self._size += len(sector.data)
        return found

    def gather(self) -> tuple[Octets, Ints, Ints]:
        """`octets`, `starts` and `ends`."""
        pieces = [np.frombuffer(sector.data, np.uint8) for sector in self._sectors]
        # The zeros keep the heads of frames at the very end within the data.
        octets = np.concatenate([*pieces, np.zeros(self.dtype.itemsize, np.uint8)])
        return octets, np.array(self._starts, np.int64), np.array(self._ends, np.int64)

    def heads(self, octets: Octets, starts: Ints) -> Heads:
        """The fixed fields of payloads that are long enough for them."""
        taken = octets[starts[:, None] + np.arange(self.dtype.itemsize)]
        return np.ascontiguousarray(taken).view(self.dtype).reshape(-1)

    def flaw(self, start: int, end: int, text: str) -> None:
        """Note that the payload between two places of `octets` can't be read."""
        number = bisect_right(self._shifts, start) - 1
        sector, shift = self._sectors[number], self._shifts[number]
        self.flaws.append(Flaw(text, sector.index, start - _HEAD - shift, end - shift))
