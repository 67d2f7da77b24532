"""A conversation with one logger: status, pairing of clocks, proven commands (SPEC.md section 9.3)."""

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import astuple, dataclass
from typing import Any

import cbor2

from celltrail.errors import DeviceFault, ErrorAnswer, RefusedFault
from celltrail.link.address import Address
from celltrail.link.client import TIMEOUT_S, TRIES, Client, connect
from celltrail.link.messages import Challenge, ChallengeWrite, Status, StatusRead, proven_write
from celltrail_protocol import cbor, codes, names, seals, smp
from celltrail_protocol.layout import ProtocolError

FIRST_ANSWER_S = 1.5
_TOO_SOON_PAUSE_S = 1.1
_NS_PER_MS = 1_000_000


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
        self.status = await self.client.ask(StatusRead())
        return self.status

    async def challenge(self) -> Opened:
        """A new challenge; the one before is void. Waits once when a wrong proof came just before."""
        hn = secrets.token_bytes(seals.NONCE_SIZE)
        try:
            return await self._challenge(hn)
        except ErrorAnswer as refused:
            if refused.code != smp.ERR_TOO_SOON:
                raise
        await asyncio.sleep(_TOO_SOON_PAUSE_S)
        return await self._challenge(hn)

    async def _challenge(self, hn: bytes) -> Opened:
        request = ChallengeWrite(hn=hn)
        sent_ns = time.time_ns()
        answer = await self.client.tell(request)
        return Opened(hn, answer.dn, _pair(answer, sent_ns, time.time_ns()))

    async def pair(self) -> ClockPair:
        """The clocks now."""
        return (await self.challenge()).pair

    async def prove(
        self, command: int, body: dict[str, Any], key: bytes, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """Carry out one proven command and check the logger's own proof.

        Never sent twice after a silence: NoAnswer and LinkLost leave open whether it was carried out.
        """
        return await self.prove_at(await self.challenge(), command, body, key, timeout_s)

    async def prove_at(
        self, opened: Opened, command: int, body: dict[str, Any], key: bytes, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """As `prove`, under a challenge that is open already."""
        sent = cbor2.dumps(body)
        proof = seals.command_mac(key, seals.HOST, command, 1, opened.dn, opened.hn, sent)
        answer = await self.client.tell(proven_write(command)(a=sent, n=1, m=proof), timeout_s)
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
        raise RefusedFault(f"{status.called} is {word} and can't {what}; see `celltrail status`")


@contextlib.asynccontextmanager
async def open_session(
    address: Address, answer_s: float = FIRST_ANSWER_S, tries: int = TRIES
) -> AsyncIterator[Session]:
    """Connects and reads the status; raises DeviceFault when no logger answers there."""
    client = await connect(address)
    try:
        yield Session(client, await client.ask(StatusRead(), answer_s, tries))
    finally:
        await client.close()
