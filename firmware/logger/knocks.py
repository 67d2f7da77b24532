"""A knock pattern: five knocks, evenly, with quiet before and after, as a hand makes them and a road does not."""

_KNOCKS = 5
# A parcel rings on after a knock; a hand does not come back that soon.
_RINGING_MS = 150
_SLOWEST_MS = 900
_QUIET_MS = 1000


class Knocks:
    """`take` gets the tick of each knock; `poll` tells when they were the pattern. due_ms: when to poll, or -1."""

    def __init__(self) -> None:
        self._at: "list[int]" = []
        self.due_ms = -1

    def take(self, at_ms: int) -> None:
        """There was a knock."""
        at = self._at
        if at and at_ms - at[-1] < _RINGING_MS:
            return
        if at and at_ms - at[-1] >= _QUIET_MS:
            del at[:]
        # One too many stays: so many are no pattern.
        del at[:-_KNOCKS]
        at.append(at_ms)
        self.due_ms = at_ms + _QUIET_MS

    def poll(self, now_ms: int) -> bool:
        """Whether the pattern has just been knocked."""
        if self.due_ms < 0 or now_ms < self.due_ms:
            return False
        self.due_ms = -1
        at = self._at
        gaps = [at[i + 1] - at[i] for i in range(len(at) - 1)]
        del at[:]
        return len(gaps) == _KNOCKS - 1 and max(gaps) <= _SLOWEST_MS and 2 * max(gaps) <= 3 * min(gaps)
