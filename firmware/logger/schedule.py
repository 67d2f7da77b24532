"""When to sample: slots on a grid that does not drift, whatever the time a sample takes."""

from celltrail_protocol.records import NO_SLOT


class Schedule:
    """Slot s is due at tick0_ms + (s - slot0) * period_ms; `slot` is the next one."""

    def __init__(self, period_ms: int) -> None:
        self.period_ms = period_ms
        self.slot0 = NO_SLOT
        self.tick0_ms = 0
        self.slot = 0

    def start(self, slot0: int, tick0_ms: int) -> None:
        """Set the origin; the next slot is slot0."""
        self.slot0 = slot0
        self.tick0_ms = tick0_ms
        self.slot = slot0

    def running(self) -> bool:
        """Whether the schedule has an origin."""
        return self.slot0 != NO_SLOT

    def due_ms(self) -> int:
        """The tick of the next slot."""
        return self.tick0_ms + (self.slot - self.slot0) * self.period_ms

    def missed(self, now_ms: int) -> int:
        """How many slots are past so far that the one after them is due too: they can't be sampled any more."""
        late = now_ms - self.due_ms()
        return late // self.period_ms if late >= self.period_ms else 0
