"""A conversation with one logger: status, pairing of clocks, proven commands (SPEC.md section 9.3)."""

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import astuple, dataclass
from typing import Any

import cbor2

from celltrail.errors import DeviceFault, ErrorAnswer, LinkLost, NoAnswer, RefusedFault
from celltrail.link.address import BLE, Address
from celltrail.link.client import TIMEOUT_S, TRIES, Client, connect
from celltrail.link.messages import Challenge, ChallengeWrite, Status, StatusRead, proven_write
from celltrail_protocol import cbor, codes, names, seals, smp
from celltrail_protocol.layout import ProtocolError

FIRST_ANSWER_S = 1.5
# A guesser costs the others two seconds at most, and asking costs nothing.
_PATIENCE_S = 8.0
_ASK_AGAIN_S = 0.25
# Others may use challenges up faster than we answer ours.
_CHALLENGES = 5
_CONNECTIONS = 3
_NS_PER_MS = 1_000_000
# So much of its dn names a challenge.
_NAME_BYTES = 4
# A trip is open.
RUNNING = (codes.STATE_ARMED, codes.STATE_LOGGING)


@dataclass(frozen=True)
class ClockPair:
    """The logger's tick and UTC at one instant; the true UTC lies within `uncertainty_ms` of `utc_ms`."""

    boot: int
    tick_ms: int
    utc_ms: int
    uncertainty_ms: int
    source: int

    def as_list(self) -> list[int]:
        """As a `.trail` file holds it."""
        return list(astuple(self))

    @property
    def simulated(self) -> bool:
        """True when the UTC is that of a virtual logger's world."""
        return self.source == codes.CLOCK_VIRTUAL


@dataclass(frozen=True)
class Opened:
    """An answered challenge: both nonces, and the clocks at that instant."""

    hn: bytes
    dn: bytes
    pair: ClockPair


MakeBody = Callable[[Opened], dict[str, Any]]


class Session:
    """`status` is as it was read last."""

    def __init__(self, client: Client, status: Status) -> None:
        if status.format != codes.FORMAT_VERSION:
            raise DeviceFault(
                f"{client.name} speaks format {status.format}; this program knows {codes.FORMAT_VERSION} only"
            )
        self.client = client
        self.status = status
        client.name = status.called

    @property
    def uid(self) -> bytes:
        return self.status.uid

    async def refresh(self) -> Status:
        """Reads the status anew."""
        self.status = await self.client.ask(StatusRead(ack=self.client.received or None))
        self.client.received = 0
        return self.status

    async def challenge(self) -> Opened:
        """A new challenge. Waits while the logger refuses it because somebody sends it wrong proofs."""
        hn = secrets.token_bytes(seals.NONCE_SIZE)
        end_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return await self._challenge(hn)
            except ErrorAnswer as refused:
                if refused.code != smp.ERR_TOO_SOON or time.monotonic() > end_s:
                    raise
            # Not in step with whoever else asks.
            await asyncio.sleep(_ASK_AGAIN_S * (1 + secrets.randbelow(100) / 100))

    async def _challenge(self, hn: bytes) -> Opened:
        request = ChallengeWrite(hn=hn)
        sent_ns = time.time_ns()
        answer = await self.client.tell(request)
        return Opened(hn, answer.dn, _pair(answer, sent_ns, time.time_ns()))

    async def pair(self) -> ClockPair:
        """The clocks now."""
        return (await self.challenge()).pair

    async def prove(
        self, command: int, body: dict[str, Any] | MakeBody, key: bytes, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """Carry out one proven command and check the logger's own proof; `body` may depend on the challenge.

        Never sent twice after a silence: NoAnswer and LinkLost leave open whether it was carried out.
        """
        opened = await self.challenge()
        return await self.prove_at(opened, command, body, key, timeout_s)

    async def prove_at(
        self,
        opened: Opened,
        command: int,
        body: dict[str, Any] | MakeBody,
        key: bytes,
        timeout_s: float = TIMEOUT_S,
    ) -> dict[str, Any]:
        """As `prove`, under a challenge that is open already; under a new one when that is void."""
        for _ in range(_CHALLENGES - 1):
            try:
                return await self._prove_once(opened, command, body, key, timeout_s)
            except ErrorAnswer as refused:
                if refused.code != smp.ERR_STALE:
                    raise
            opened = await self.challenge()
        return await self._prove_once(opened, command, body, key, timeout_s)

    async def _prove_once(
        self, opened: Opened, command: int, body: dict[str, Any] | MakeBody, key: bytes, timeout_s: float
    ) -> dict[str, Any]:
        made = body(opened) if callable(body) else body
        # For the audit trail between trips; a body that pairs clocks has its own.
        sent = cbor2.dumps({"utc": opened.pair.utc_ms} | made)
        proof = seals.command_mac(key, seals.HOST, command, 1, opened.dn, opened.hn, sent)
        request = proven_write(command)(a=sent, n=1, c=opened.dn[:_NAME_BYTES], m=proof)
        answer = await self.client.tell(request, timeout_s)
        expected = seals.command_mac(key, seals.DEVICE, command, 1, opened.dn, opened.hn, answer.a)
        if not seals.same(expected, answer.m):
            raise DeviceFault(
                f"{self.client.name} answered without this logger's proof; something else may sit on the line"
            )
        try:
            result = cbor.loads(answer.a)
        except ProtocolError:
            result = None
        if not isinstance(result, dict):
            raise DeviceFault(f"{self.client.name} gave an answer that makes no sense")
        return result


def _pair(answer: Challenge, sent_ns: int, received_ns: int) -> ClockPair:
    """The tick belongs to an instant between sending and receiving: the middle, give or take half of it."""
    if answer.world is not None:
        return ClockPair(answer.boot, answer.tick, answer.world, 0, codes.CLOCK_VIRTUAL)
    middle_ms = (sent_ns + received_ns) // 2 // _NS_PER_MS
    half_ms = math.ceil((received_ns - sent_ns) / 2 / _NS_PER_MS) + 1
    return ClockPair(answer.boot, answer.tick, middle_ms, half_ms, codes.CLOCK_HOST)


def require_state(status: Status, allowed: tuple[int, ...], what: str) -> None:
    """Raises RefusedFault when the logger's state does not allow `what` ("arm", "be stopped")."""
    if status.state not in allowed:
        word = names.STATE_NAMES.get(status.state, str(status.state))
        in_the_way = status.state in RUNNING and not set(RUNNING) & set(allowed)
        way_out = "`celltrail stop` ends its trip" if in_the_way else "see `celltrail status`"
        raise RefusedFault(f"{status.called} is {word} and can't {what}; {way_out}")


@contextlib.asynccontextmanager
async def open_session(
    address: Address, answer_s: float = FIRST_ANSWER_S, tries: int = TRIES
) -> AsyncIterator[Session]:
    """Connects and reads the status; raises DeviceFault when no logger answers there."""
    client, status = await _first_status(address, answer_s, tries)
    try:
        yield Session(client, status)
    finally:
        await client.close()


async def _first_status(address: Address, answer_s: float, tries: int) -> tuple[Client, Status]:
    """Over the air a link that is lost at once is tried again: nothing has been told yet that could be told twice."""
    left = _CONNECTIONS if address.kind == BLE else 1
    while True:
        client = await connect(address)
        left -= 1
        try:
            return client, await client.ask(StatusRead(), answer_s, tries)
        except (LinkLost, NoAnswer):
            await client.close()
            if not left:
                raise
        except BaseException:
            await client.close()
            raise
