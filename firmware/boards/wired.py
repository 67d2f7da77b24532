"""The wiring record: read from the store before anything else is there, so that one image serves every wiring."""

from celltrail_protocol import cbor
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import STORE_WIRING
from celltrail_protocol.wiring import validate
from logger.area import Area
from logger.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.wiring import Wiring
    from logger.hardware import Flash


def read_wiring(flash: "Flash") -> "Wiring | None":
    """The record that was set last; None when there is none, or it is none of ours. Writes nothing."""
    data = Store(Area(flash)).peek(STORE_WIRING)
    if data is None:
        return None
    try:
        wiring: "Wiring" = cbor.loads(data)
        validate(wiring)
    except ProtocolError:
        return None
    return wiring
