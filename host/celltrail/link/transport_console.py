"""What serial ports and sockets share: SMP messages as console lines, and a queue of whole answers."""

import asyncio

from smpclient.transport import SMPTransport

from celltrail.errors import LinkLost
from celltrail_protocol import console

_LONGEST_MESSAGE = 1200


class ConsoleTransport(SMPTransport):
    """A byte stream as smpclient's transport; `_write` and `disconnect` are the subclass's.

    smpclient's own serial transport looks for answers every 5 ms and opens serial ports only. This one
    hands bytes over when they arrive, and the same framing serves a socket.
    """

    def __init__(self) -> None:
        self._lines = console.Reader()
        self._inbox: asyncio.Queue[bytes | LinkLost] = asyncio.Queue()

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def _received(self, data: bytes) -> None:
        for message in self._lines.feed(data):
            self._inbox.put_nowait(bytes(message))

    def _lost(self, why: str) -> None:
        self._inbox.put_nowait(LinkLost(f"link lost: {why}"))

    async def send(self, data: bytes) -> None:
        """Raises LinkLost when the link does not take the bytes."""
        self._write(b"".join(console.encode(data)))

    async def receive(self) -> bytes:
        """The next whole message; raises LinkLost once the link has ended, again and again."""
        item = await self._inbox.get()
        if isinstance(item, LinkLost):
            self._inbox.put_nowait(item)
            raise item
        return item

    async def send_and_receive(self, data: bytes) -> bytes:
        await self.send(data)
        return await self.receive()

    @property
    def mtu(self) -> int:
        return _LONGEST_MESSAGE
