"""A line of limited speed: a TCP port whose bytes go on to another one, so many a second in each direction."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

_PIECE = 64


class SlowLine:
    """`carried` counts the bytes that went towards the client."""

    def __init__(self, host: str, port: int, bytes_per_s: float) -> None:
        self._target = (host, port)
        self._bytes_per_s = bytes_per_s
        self._joints: list[asyncio.Task[None]] = []
        self.carried = 0

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client has come."""
        self._joints.append(asyncio.create_task(self._join(reader, writer)))

    async def finish(self) -> None:
        """Wait until all clients have gone."""
        await asyncio.gather(*self._joints)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        await asyncio.gather(self._carry(reader, far_writer, 0), self._carry(far_reader, writer, 1))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: int) -> None:
        """Pass bytes on at the line's pace until one side hangs up."""
        loop = asyncio.get_running_loop()
        free_at_s = 0.0
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_PIECE):
                # A piece arrives when its last byte has gone over the line; a silent line saves nothing up.
                free_at_s = max(free_at_s, loop.time()) + len(data) / self._bytes_per_s
                await asyncio.sleep(free_at_s - loop.time())
                writer.write(data)
                self.carried += counts * len(data)
        writer.close()


@contextlib.asynccontextmanager
async def slow_line(host: str, port: int, bytes_per_s: float) -> AsyncIterator[tuple[SlowLine, int]]:
    """The line, and the port at which it begins."""
    line = SlowLine(host, port, bytes_per_s)
    server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    try:
        yield line, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await line.finish()
