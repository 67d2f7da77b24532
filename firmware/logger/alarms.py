"""Low and high, single and cumulative alarms with delay, on integers (SPEC.md section 8)."""

from celltrail_protocol.codes import ALARM_CUMULATIVE, ALARM_HIGH
from celltrail_protocol.records import NO_READING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_CLEAR = -1


class Alarms:
    """`raised` holds a bit for each alarm of the plan; a raised alarm stays raised for the trip."""

    def __init__(self, rules: "Sequence[Sequence[int]]", period_ms: int, raised: int = 0) -> None:
        self._rules = rules
        self._period_ms = period_ms
        self.raised = raised
        # Single: the slot at which the event began, or _CLEAR. Cumulative: the slots outside so far.
        self._counts = [0 if rule[2] == ALARM_CUMULATIVE else _CLEAR for rule in rules]

    def take(self, slot: int, values: "Sequence[int]") -> "tuple[int, ...]":
        """The indexes of the alarms that these readings raise."""
        new: "tuple[int, ...]" = ()
        for i in range(len(self._rules)):
            channel, _, _, _, delay_s = self._rules[i]
            value = values[channel]
            if value != NO_READING and self._outside_ms(i, slot, value) >= delay_s * 1000 and not self.raised >> i & 1:
                self.raised |= 1 << i
                new += (i,)
        return new

    def _outside_ms(self, i: int, slot: int, value: int) -> int:
        """How long the rule counts as broken with this reading; -1 when the reading is inside."""
        _, side, mode, limit, _ = self._rules[i]
        outside = value >= limit if side == ALARM_HIGH else value <= limit
        if mode == ALARM_CUMULATIVE:
            self._counts[i] += outside
            return self._counts[i] * self._period_ms if outside else -1
        if not outside:
            self._counts[i] = _CLEAR
            return -1
        if self._counts[i] == _CLEAR:
            self._counts[i] = slot
        return (slot - self._counts[i]) * self._period_ms
