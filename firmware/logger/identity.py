"""Who this logger is: its name, and the device key that proves commands (SPEC.md sections 6 and 9.3)."""

from celltrail_protocol import cbor
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import STORE_IDENTITY
from celltrail_protocol.seals import KEY_SIZE, key_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.store import Store


def _is_key(value: "Any") -> bool:
    return isinstance(value, bytes) and len(value) == KEY_SIZE


class Identity:
    """`key` is None before the logger was provisioned; `key_id` tells which key it is, and is empty then."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._values: "dict[str, Any]" = {}
        self.key: "bytes | None" = None
        self.name = ""
        self.key_id = b""

    def mount(self) -> None:
        """Read it from the store."""
        try:
            values = cbor.loads(self._store.get(STORE_IDENTITY) or b"")
        except ProtocolError:
            return
        # Bytes that check and are none of ours count as none.
        if isinstance(values, dict) and isinstance(values.get("name"), str) and _is_key(values.get("key")):
            self._take(values)

    def _take(self, values: "dict[str, Any]") -> None:
        self._values = values
        self.key = values["key"]
        self.name = values["name"]
        self.key_id = key_id(values["key"])

    def keep(self, name: str, key: bytes) -> bool:
        """Commit a name and a key, both or neither; False when the flash does not take them."""
        values = dict(self._values)
        values["name"] = name
        values["key"] = key
        if not self._store.put(STORE_IDENTITY, cbor.dumps(values)):
            return False
        self._take(values)
        return True
