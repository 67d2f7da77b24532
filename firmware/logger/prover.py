"""Challenge and response: which commands carry a proof of the device key (SPEC.md section 9.3)."""

from celltrail_protocol.seals import DEVICE, HOST, NONCE_SIZE, command_mac, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE_MS = 1000


class Prover:
    """One challenge at a time; a wrong proof uses it up and costs a second. `failures` counts wrong MACs."""

    def __init__(self, random: "Callable[[int], bytes]") -> None:
        self._random = random
        self._hn = b""
        self._dn = b""
        self._counter = 0
        self._blocked_until_ms = 0
        self.failures = 0

    def challenge(self, hn: bytes, now_ms: int) -> "bytes | None":
        """A new nonce for the host's nonce; None while a wrong proof is too fresh."""
        if now_ms < self._blocked_until_ms:
            return None
        self._hn = hn
        self._dn = self._random(NONCE_SIZE)
        self._counter = 0
        return self._dn

    def forget(self) -> None:
        """No challenge is open any more."""
        self._dn = b""

    def check(self, key: bytes, command: int, counter: int, body: bytes, mac: bytes, now_ms: int) -> bool:
        """Whether the proof is right and new."""
        if not self._dn:
            return False
        if not same(command_mac(key, HOST, command, counter, self._dn, self._hn, body), mac):
            self.failures += 1
            self._blocked_until_ms = now_ms + _PAUSE_MS
            self.forget()
            return False
        if counter != self._counter + 1:
            self.forget()
            return False
        self._counter = counter
        return True

    def answer(self, key: bytes, command: int, body: bytes) -> bytes:
        """The device's proof of its answer to the last checked command."""
        return command_mac(key, DEVICE, command, self._counter, self._dn, self._hn, body)
