"""Challenge and response: which commands carry a proof of the device key (SPEC.md section 9.3)."""

import struct
from hashlib import sha256

from celltrail_protocol import smp
from celltrail_protocol.seals import DEVICE, HOST, NONCE_SIZE, command_mac, same
from logger.request import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Two hosts may be at it at once; a third takes the place of the first.
_MOST_OPEN = 2
_PAUSE_MS = 1000
_LIFETIME_MS = 30000
# Nobody waits longer for a guesser than this.
_LONGEST_PAUSE_MS = 2 * _PAUSE_MS


class Challenge:
    """Both nonces, the counter of the last right proof, and the tick after which it is void."""

    def __init__(self, hn: bytes, dn: bytes, until_ms: int) -> None:
        self.hn = hn
        self.dn = dn
        self.until_ms = until_ms
        self.counter = 0

    def answer(self, key: bytes, command: int, body: bytes) -> bytes:
        """The device's proof of its answer to the last checked command."""
        return command_mac(key, DEVICE, command, self.counter, self.dn, self.hn, body)


class Prover:
    """The open challenges of a link; a wrong proof uses its own up and costs a second. `failures` counts wrong MACs.

    `other`: the prover of another link, with whose challenges these are counted.
    """

    def __init__(self, random: "Callable[[int], bytes]", other: "Prover | None" = None) -> None:
        self._random = random
        self._open: "list[Challenge]" = []
        self._counted: "list[int]" = other._counted if other else [0]
        self._blocked_until_ms = 0
        self.failures = 0

    def challenge(self, hn: bytes, boot: int, now_ms: int) -> "bytes | None":
        """A new nonce for the host's nonce; None while wrong proofs are too fresh."""
        if now_ms < self._blocked_until_ms:
            return None
        self._counted[0] += 1
        # A random source that repeats itself must not repeat a nonce: a proof would be good twice.
        salt = struct.pack("<HI", boot, self._counted[0])
        dn: bytes = sha256(b"dn" + self._random(NONCE_SIZE) + salt).digest()[:NONCE_SIZE]
        self._open = self._open[1 - _MOST_OPEN :] + [Challenge(hn, dn, now_ms + _LIFETIME_MS)]
        return dn

    def forget(self) -> None:
        """No challenge is open any more; a pause goes on."""
        self._open = []

    def check(
        self, key: bytes, command: int, counter: int, name: bytes, body: bytes, mac: bytes, now_ms: int
    ) -> Challenge:
        """The challenge that this proof answers, the newest whose nonce begins with `name`.

        Raises Refused: ERR_STALE when there is none or the counter is not the next, ERR_NOT_PROVEN for a wrong MAC.
        """
        found = None
        for one in self._open:
            if one.dn[: len(name)] == name and now_ms < one.until_ms:
                found = one
        if found is None:
            raise refused(smp.ERR_STALE, smp.MGMT_BAD_STATE)
        if not same(command_mac(key, HOST, command, counter, found.dn, found.hn, body), mac):
            self.failures += 1
            self._open.remove(found)
            self._block(now_ms)
            raise refused(smp.ERR_NOT_PROVEN, smp.MGMT_DENIED)
        if counter != found.counter + 1:
            self._open.remove(found)
            raise refused(smp.ERR_STALE, smp.MGMT_BAD_STATE)
        found.counter = counter
        return found

    def _block(self, now_ms: int) -> None:
        until_ms = max(now_ms, self._blocked_until_ms) + _PAUSE_MS
        self._blocked_until_ms = min(until_ms, now_ms + _LONGEST_PAUSE_MS)
