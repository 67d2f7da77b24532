"""Reading a range of a logger's file with several requests in flight (SPEC.md section 9.2)."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence

from celltrail.errors import CelltrailError, DeviceFault, ErrorAnswer, NoAnswer
from celltrail.link.client import TIMEOUT_S, TRIES, Client
from celltrail.link.messages import FileDownload, StatusRead
from celltrail.operate.pieces import Span
from celltrail_protocol.smp import DOWNLOAD_OVERHEAD, RESERVED, UNACKNOWLEDGED

_FIRST_WINDOW = 2


class Fetcher:
    """One connection's downloads; `chunk` is the size of the logger's answers.

    The window opens by one with each answer up to what may be unacknowledged, and closes to half when one
    stays out: a UART without flow control drops what its small input buffer can't hold. The radio has one, and a
    round trip there takes a connection interval, so over it the window is open from the start.
    """

    def __init__(self, client: Client, chunk: int) -> None:
        if chunk <= 0:
            raise DeviceFault(f"{client.name} reports a chunk of {chunk} bytes; its status makes no sense")
        self._client = client
        self._chunk = chunk
        self._most = max(1, (UNACKNOWLEDGED - RESERVED) // (chunk + DOWNLOAD_OVERHEAD))
        self._window = self._most if client.on_air else min(_FIRST_WINDOW, self._most)

    def restart(self) -> None:
        """To be called after each status request: the logger counts from 0 again."""
        self._client.received = 0

    async def read(self, name: str, start: int, end: int) -> bytes:
        """The bytes of a file from `start` to `end`; both within the file."""
        pieces = [piece async for piece in self.stream(name, [(start, end)])]
        return b"".join(data for _, data in sorted(pieces))

    async def stream(self, name: str, spans: Sequence[Span]) -> AsyncGenerator[tuple[int, bytes], None]:
        """(offset, bytes) of the pieces of these spans of a file, as they arrive.

        Where one can't be had, all that are on their way are waited for first, so that nothing that has come is
        lost. Of several faults one of the link is raised, else that of the lowest offset.
        """
        asking = self._cut(spans)
        flying: dict[asyncio.Task[bytes], int] = {}
        faults: list[tuple[bool, int, CelltrailError]] = []
        try:
            while True:
                while len(flying) < self._window and not faults and (piece := next(asking, None)):
                    flying[asyncio.create_task(self._piece(name, *piece))] = piece[0]
                if not flying:
                    break
                for task in (await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED))[0]:
                    offset = flying.pop(task)
                    fault = task.exception()
                    if isinstance(fault, CelltrailError):
                        faults.append((isinstance(fault, ErrorAnswer), offset, fault))
                    else:
                        yield offset, task.result()
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)
        if faults:
            raise min(faults, key=lambda fault: fault[:2])[2]

    def _cut(self, spans: Sequence[Span]) -> Iterator[Span]:
        for start, end in spans:
            for at in range(start, end, self._chunk):
                yield at, min(at + self._chunk, end)

    async def _piece(self, name: str, offset: int, end: int) -> bytes:
        for _ in range(TRIES - 1):
            try:
                return await self._ask(name, offset, end)
            except NoAnswer:
                self._most = self._window = max(1, self._window // 2)
                # What was lost on the way can never be acknowledged, so the count begins anew.
                await self._client.tell(StatusRead(ack=self._client.received or None), TIMEOUT_S)
                self.restart()
        return await self._ask(name, offset, end)

    async def _ask(self, name: str, offset: int, end: int) -> bytes:
        request = FileDownload(off=offset, name=name, ack=self._client.received)
        answer = await self._client.tell(request, TIMEOUT_S)
        wanted = min(self._chunk, end - offset)
        if answer.off != offset or len(answer.data) < wanted:
            raise DeviceFault(f"{self._client.name} sent another part of {name} than was asked for")
        self._client.received += len(answer.data)
        self._window = min(self._window + 1, self._most)
        return answer.data[:wanted]
