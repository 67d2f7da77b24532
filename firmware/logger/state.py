"""The logger's state as it survives a restart (SPEC.md section 6, state)."""

from celltrail_protocol import codes
from celltrail_protocol.layout import pack, size, unpack
from celltrail_protocol.records import STATE, STORE_STATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.store import Store


class State:
    """Fields of the state record; `save` makes them durable. `boot` counts to 65,535 and on from 0."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.state = codes.STATE_IDLE
        self.reason = 0
        self.boot = 0
        self.trip = 0
        self.next_trip = 1
        self.first_sequence = 0
        self.next_sequence = 0
        self.read_index = 0
        self.read_used = 0
        self.alarms = 0

    def load(self) -> None:
        """Take up the last record, if there is one."""
        payload = self._store.get(STORE_STATE)
        if payload is not None and len(payload) >= size(STATE) and payload[0] <= codes.STATE_STOPPED:
            (
                self.state,
                self.reason,
                self.boot,
                self.trip,
                self.next_trip,
                self.first_sequence,
                self.next_sequence,
                self.read_index,
                self.read_used,
                self.alarms,
            ) = unpack(STATE, payload)

    def packed(self) -> bytes:
        """The record's payload."""
        values = (
            self.state,
            self.reason,
            self.boot,
            self.trip,
            self.next_trip,
            self.first_sequence,
            self.next_sequence,
            self.read_index,
            self.read_used,
            self.alarms,
        )
        return pack(STATE, values)

    def save(self) -> bool:
        """Commit; False when the flash refuses."""
        return self._store.put(STORE_STATE, self.packed())

    def in_trip(self) -> bool:
        """Whether a trip is armed or logging."""
        return self.state in (codes.STATE_ARMED, codes.STATE_LOGGING)
