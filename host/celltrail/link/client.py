"""Requests to a logger and the answers that belong to them, several in flight."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError
from smp import message
from smp.exceptions import SMPException
from smpclient.transport import SMPTransport

from celltrail.errors import DeviceFault, LinkLost, NoAnswer
from celltrail.link.address import BLE, Address
from celltrail.link.messages import Request
from celltrail.link.refusals import explain
from celltrail.link.transport import make_transport
from celltrail_protocol import cbor, smp
from celltrail_protocol.layout import ProtocolError

TIMEOUT_S = 2.0
TRIES = 3
CONNECT_TIMEOUT_S = 5.0

Rep = TypeVar("Rep", bound=message.Response)
_Key = tuple[int, int, int]


def _is_answer(op: int) -> bool:
    return op in (smp.OP_READ_ANSWER, smp.OP_WRITE_ANSWER)


@dataclass(frozen=True)
class _Waiting:
    """A request whose answer is to come."""

    answer: asyncio.Future[bytes]
    limit: asyncio.Timeout
    timeout_s: float

    def has_heard(self) -> None:
        """The logger lives: the time begins anew."""
        if not self.limit.expired() and not self.answer.done():
            self.limit.reschedule(asyncio.get_running_loop().time() + self.timeout_s)


class Client:
    """One connection; `name` is what the messages call the logger.

    received: content bytes of downloads since the last status request, which the logger wants to be told.
    on_air: whether anybody near may listen.
    """

    def __init__(self, transport: SMPTransport, name: str) -> None:
        self.name = name
        self.received = 0
        self.on_air = False
        self._transport = transport
        # How much longer an answer may take than over a cable.
        self._patience: float = getattr(transport, "patience", 1.0)
        self._waiting: dict[_Key, _Waiting] = {}
        self._pump = asyncio.create_task(self._sort())
        self._lost: LinkLost | None = None

    async def close(self) -> None:
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        await self._transport.disconnect()

    async def ask(self, request: Request[Rep], timeout_s: float = TIMEOUT_S, tries: int = TRIES) -> Rep:
        """For requests that change nothing: repeated when no answer comes."""
        for _ in range(tries - 1):
            try:
                return await self.tell(request, timeout_s)
            except NoAnswer:
                continue
        return await self.tell(request, timeout_s)

    async def tell(self, request: Request[Rep], timeout_s: float = TIMEOUT_S) -> Rep:
        """Sent once. Raises NoAnswer, LinkLost, ErrorAnswer, or DeviceFault for a senseless answer.

        The time runs from the last answer of any kind: on a slow link with many requests in flight, one waits longer.
        """
        key = _key(request.BYTES)
        timeout_s *= self._patience
        if self._lost is not None:
            raise LinkLost(str(self._lost))
        try:
            async with asyncio.timeout(timeout_s) as limit:
                waiting = _Waiting(asyncio.get_running_loop().create_future(), limit, timeout_s)
                self._waiting[key] = waiting
                await self._transport.send(request.BYTES)
                return self._decode(request, await waiting.answer)
        except TimeoutError as fault:
            raise NoAnswer(f"{self.name} does not answer; is it a Celltrail logger, and switched on?") from fault
        finally:
            self._waiting.pop(key, None)

    def _decode(self, request: Request[Rep], frame: bytes) -> Rep:
        try:
            # Ours first: what it takes holds no tags, floats or depths, so that the libraries behind it are safe.
            body = cbor.loads(frame[smp.HEADER_SIZE :])
            fault = explain(self.name, _key(frame)[1], body)
            if fault is not None:
                raise fault
            return request._Response.loads(frame)
        except (
            ValidationError,
            SMPException,
            ProtocolError,
            TypeError,
            ValueError,
            AssertionError,
        ) as fault:
            raise DeviceFault(f"{self.name} gave an answer that makes no sense; is its firmware newer?") from fault

    async def _sort(self) -> None:
        """Hands each answer to the request that waits for it; late and foreign ones are dropped."""
        try:
            while True:
                frame = await self._transport.receive()
                with contextlib.suppress(ProtocolError):
                    if _is_answer(smp.parse_header(frame)[0]):
                        self._hand_over(frame)
        except LinkLost as lost:
            self._lost = lost
            for waiting in self._waiting.values():
                if not waiting.answer.done():
                    waiting.answer.set_exception(LinkLost(str(lost)))

    def _hand_over(self, frame: bytes) -> None:
        for waiting in self._waiting.values():
            waiting.has_heard()
        asked = self._waiting.get(_key(frame))
        if asked is not None and not asked.answer.done():
            asked.answer.set_result(frame)


def _key(frame: bytes) -> _Key:
    """(sequence, group, command): what an answer shares with its request."""
    _, _, _, _, group, sequence, command = smp.parse_header(frame)
    return sequence, group, command


async def connect(address: Address) -> Client:
    """Raises DeviceFault when the link does not come up. Who is behind it shows with the first answer."""
    transport = make_transport(address)
    await transport.connect(str(address), CONNECT_TIMEOUT_S)
    client = Client(transport, str(address))
    client.on_air = address.kind == BLE
    return client
