"""What has come of a trip's sealed sectors, byte by byte, in any order."""

from celltrail_protocol.records import SECTOR_SIZE

Span = tuple[int, int]
_LACKING, _THERE = b"\0", b"\1"


class _Partial:
    """A sector of which only some bytes are there; `there` has a 1 for each of them."""

    def __init__(self) -> None:
        self.data = bytearray(SECTOR_SIZE)
        self.there = bytearray(SECTOR_SIZE)

    def spans(self, mark: bytes) -> list[Span]:
        """The spans of what is there or lacking, ascending."""
        other = _LACKING if mark == _THERE else _THERE
        found = []
        start = self.there.find(mark)
        while start >= 0:
            end = self.there.find(other, start)
            end = SECTOR_SIZE if end < 0 else end
            found.append((start, end))
            start = self.there.find(mark, end)
        return found


class Pieces:
    """`sectors` maps the index of each whole sector to its 4096 bytes; offsets are those of the trip's file.

    A byte that is there stays: what comes again is not looked at.
    """

    def __init__(self) -> None:
        self.sectors: dict[int, bytes] = {}
        self._partial: dict[int, _Partial] = {}

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return len(self.sectors) * SECTOR_SIZE + sum(part.there.count(_THERE) for part in self._partial.values())

    @property
    def unfinished(self) -> list[int]:
        """The indices of the sectors of which only a part is there, ascending."""
        return sorted(self._partial)

    def add(self, offset: int, data: bytes) -> None:
        """Take in a piece; it may reach over several sectors."""
        for start, end in self.lacking(offset, offset + len(data)):
            while start < end:
                index, at = divmod(start, SECTOR_SIZE)
                stop = min(end, (index + 1) * SECTOR_SIZE)
                self._put(index, at, data[start - offset : stop - offset])
                start = stop

    def _put(self, index: int, at: int, data: bytes) -> None:
        part = self._partial.setdefault(index, _Partial())
        part.data[at : at + len(data)] = data
        part.there[at : at + len(data)] = _THERE * len(data)
        if _LACKING not in part.there:
            self.sectors[index] = bytes(part.data)
            del self._partial[index]

    def lacking(self, start: int, end: int) -> list[Span]:
        """The spans between two offsets that are not there yet, ascending, neighbours joined."""
        found: list[Span] = []
        for index in range(start // SECTOR_SIZE, -(-end // SECTOR_SIZE)):
            base = index * SECTOR_SIZE
            for first, stop in self._lacking_of(index):
                low, high = max(start, base + first), min(end, base + stop)
                if low < high and found and found[-1][1] == low:
                    found[-1] = (found[-1][0], high)
                elif low < high:
                    found.append((low, high))
        return found

    def _lacking_of(self, index: int) -> list[Span]:
        if index in self.sectors:
            return []
        part = self._partial.get(index)
        return [(0, SECTOR_SIZE)] if part is None else part.spans(_LACKING)

    def runs(self, index: int) -> list[tuple[int, bytes]]:
        """(offset in the trip's file, bytes) of what is there of an unfinished sector, ascending."""
        part = self._partial[index]
        return [(index * SECTOR_SIZE + start, bytes(part.data[start:end])) for start, end in part.spans(_THERE)]
