"""Commands that bring a key: the logger's first, the one that replaces it, and that of a new trip (SPEC.md 9.3).

Loaded for such a command, and let go of after it.
"""

from celltrail_protocol import cbor, codes, smp
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.plan import LONGEST_PLAN
from celltrail_protocol.seals import CHECK_SIZE, KEY_SIZE, commitment, mask_key, rotation_check, same
from logger.request import octets, refused, text
from logger.trip import check_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.audit import Audit
    from logger.hardware import Board
    from logger.identity import Identity
    from logger.prover import Challenge
    from logger.trip import Trip

    Map = dict[str, Any]
    Pair = tuple[int, int, int, int]

_LONGEST_NAME = 24


class Keying:
    """Each command takes the request and the tick, and gives the answer; raises Refused, and RingFull."""

    def __init__(self, board: "Board", trip: "Trip", identity: "Identity", audit: "Audit") -> None:
        self._board = board
        self._trip = trip
        self._identity = identity
        self._audit = audit

    def provision(self, request: "Map", flags: int, now_ms: int) -> "Map":
        """The logger's name and first key."""
        name = text(request, "name", _LONGEST_NAME)
        if self._identity.key is not None:
            raise refused(smp.ERR_KEY_SET, smp.MGMT_BAD_STATE)
        key = octets(request, "key", KEY_SIZE, KEY_SIZE)
        self._audit.keep_boot()
        self._audit.note(smp.CMD_PROVISION, request, now_ms, flags)
        self._keep(name.decode(), key)
        return {"uid": self._board.uid}

    def _keep(self, name: str, key: bytes) -> None:
        if not self._identity.keep(name, key):
            raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)

    def rotate(self, request: "Map", opened: "Challenge", now_ms: int) -> "Map":
        """The new key comes masked under the old one; the answer is still proven with the old one."""
        masked, check = octets(request, "key", KEY_SIZE, KEY_SIZE), octets(request, "check", CHECK_SIZE, CHECK_SIZE)
        key = mask_key(masked, self._identity.key or b"", opened.dn, opened.hn)
        if not same(rotation_check(key, opened.dn, opened.hn), check):
            raise refused(smp.ERR_BAD_REQUEST)
        self._audit.note(smp.CMD_ROTATE, request, now_ms)
        self._keep(self._identity.name, key)
        return {"kid": self._identity.key_id}

    def arm(self, request: "Map", opened: "Challenge", flags: int, pair: "Pair", now_ms: int) -> "Map":
        """A trip with its plan, its first key and the host's clock pair; flags: whether unread data goes for it."""
        board, trip = self._board, self._trip
        if 0 < board.battery_mV() < codes.BATTERY_EMPTY_mV:
            raise refused(smp.ERR_BATTERY, smp.MGMT_BAD_STATE)
        k0 = self._first_key(request, opened)
        data = octets(request, "plan", 1, LONGEST_PLAN)
        self._check(data)
        trip.arm(k0, data, self._audit.opening(request, now_ms, flags, trip.ring.trip if flags else 0), now_ms)
        self._audit.clear()
        trip.set_clock(*pair, now_ms)
        return {
            "trip": trip.state.trip,
            "tick": now_ms,
            "settings": trip.settings,
            "commit": commitment(k0),
            "sequence": trip.ring.sequence,
        }

    def _first_key(self, request: "Map", opened: "Challenge") -> bytes:
        """K(0), which travels behind a mask over the air."""
        if "mk0" not in request:
            return octets(request, "k0", KEY_SIZE, KEY_SIZE)
        masked = octets(request, "mk0", KEY_SIZE, KEY_SIZE)
        return mask_key(masked, self._identity.key or b"", opened.dn, opened.hn, b"k0")

    def _check(self, data: bytes) -> None:
        board = self._board
        try:
            plan = cbor.loads(data)
            check_plan(plan, [(probe.low_raw, probe.high_raw) for probe in board.thermometers])
        except ProtocolError:
            raise refused(smp.ERR_PLAN)
        if "flight" in plan and (board.barometer is None or board.accelerometer is None):
            # One source is not enough to let a radio go on by itself.
            raise refused(smp.ERR_PLAN)
