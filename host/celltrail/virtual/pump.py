"""Moves bytes between a client and the virtual board, in a thread of its own."""

import contextlib
import select
import socket
import threading
from collections import deque
from collections.abc import Callable

from celltrail.virtual.endpoint import Endpoint
from celltrail.virtual.wire import Wire

# A pseudo-terminal does not tell when a client opens it.
_LOOK_EVERY_S = 0.02
# With a client that is not watched because nothing may be moved, its leaving is noticed this late.
_LOOK_SELDOM_S = 0.05
_ALIVE_EVERY_S = 1.0


class Pump:
    """Owns the endpoint and the wire; everything else happens through `call`.

    on_event gets the board's events, on_radio its messages for the virtual radio; on_gone is called when the board has
    hung up. All run in its thread.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        on_event: Callable[[str], None],
        on_gone: Callable[[], None],
        on_radio: Callable[[bytes], None] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._on_event = on_event
        self._on_gone = on_gone
        self._on_radio = on_radio
        self._wire: Wire | None = None
        self._off = False
        self._session = False
        self._to_client = bytearray()
        self._tasks: deque[Callable[[], None]] = deque()
        self._alarm, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="celltrail-virtual", daemon=True)
        self._thread.start()

    # --- for other threads ---

    def call(self, task: Callable[[], None]) -> None:
        """Run `task` in the pump's thread and wait until it is done; what it raises is raised here."""
        if threading.current_thread() is self._thread:
            task()
            return
        done = threading.Event()
        errors: list[BaseException] = []

        def run() -> None:
            try:
                task()
            except BaseException as error:  # noqa: BLE001  it is raised in the caller's thread
                errors.append(error)
            finally:
                done.set()

        self._tasks.append(run)
        self._alarm.send(b"!")
        while not done.wait(_ALIVE_EVERY_S):
            if not self._thread.is_alive():
                raise RuntimeError("the pump has ended")
        if errors:
            raise errors[0]

    def radio(self, message: bytes) -> None:
        """Hand the board a message of the virtual radio, soon; lost when the board is off."""

        def hand_over() -> None:
            if self._wire is not None:
                self._wire.radio(message)

        self._tasks.append(hand_over)
        with contextlib.suppress(OSError):
            self._alarm.send(b"!")

    def close(self) -> None:
        """End the thread and free everything; the board loses power."""
        self.call(self._close)
        self._thread.join()

    def _close(self) -> None:
        self._closing = True

    # --- in the pump's thread ---

    def attach(self, sock: socket.socket) -> Wire:
        """A board has been started behind `sock`."""
        self._wire = Wire(sock, self._from_board, self._on_event, self._on_radio)
        self._off = False
        return self._wire

    def detach(self, off: bool) -> None:
        """The board has gone; `off`: for good, so that clients are turned away instead of made to wait."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None
        self._off = off
        self._session = False
        self._to_client.clear()
        self._endpoint.hang_up()

    @property
    def wire(self) -> Wire | None:
        """The wire to the board; None while it is off."""
        return self._wire

    def _run(self) -> None:
        try:
            while not self._closing:
                self._turn()
        finally:
            self._free()

    def _free(self) -> None:
        self.detach(off=True)
        self._endpoint.close()
        self._alarm.close()
        self._bell.close()

    def _turn(self) -> None:
        readable, writable = _wait(*self._interests())
        if self._bell.fileno() in readable:
            self._run_tasks()
        if self._wire is not None:
            self._serve_board(self._wire, readable, writable)
        if self._endpoint.client is not None:
            self._serve_client(self._endpoint.client, readable, writable)
        self._endpoint_news()

    def _interests(self) -> tuple[list[int], list[int], float | None]:
        endpoint, wire = self._endpoint, self._wire
        reads, writes = [self._bell.fileno()], []
        timeout_s = None if endpoint.doorbell is not None else _LOOK_EVERY_S
        if wire is not None:
            reads.append(wire.socket.fileno())
            if wire.outbox:
                writes.append(wire.socket.fileno())
        if endpoint.doorbell is not None and (wire is not None or self._off):
            reads.append(endpoint.doorbell)
        if endpoint.client is not None:
            timeout_s = _LOOK_SELDOM_S
            if self._off or (wire is not None and wire.room > 0):
                reads.append(endpoint.client)
                timeout_s = None
            if self._to_client:
                writes.append(endpoint.client)
        return reads, writes, timeout_s

    def _run_tasks(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(64)
        while self._tasks:
            self._tasks.popleft()()

    def _serve_board(self, wire: Wire, readable: set[int], writable: set[int]) -> None:
        if wire.socket.fileno() in writable:
            wire.flush()
        if wire.socket.fileno() in readable and not wire.receive():
            self.detach(off=False)
            self._on_gone()
        elif self._to_client:
            self._write_client()

    def _serve_client(self, client: int, readable: set[int], writable: set[int]) -> None:
        if client in writable and self._to_client:
            self._write_client()
        if client in readable:
            self._read_client()

    def _read_client(self) -> None:
        wire = self._wire
        if self._off or wire is None:
            self._endpoint.turn_away()
            self._endpoint.look()
        elif wire.room <= 0:
            # Nobody asked for its bytes, so what shows here is a hang-up.
            self._endpoint.lost()
        else:
            self._sync()
            data = self._endpoint.read(wire.room)
            if data:
                wire.link(data)
        self._sync()

    def _from_board(self, data: bytes) -> None:
        self._to_client += data

    def _write_client(self) -> None:
        count = self._endpoint.write(self._to_client)
        del self._to_client[:count]
        if count and self._wire is not None:
            self._wire.credit(count)
        self._sync()

    def _endpoint_news(self) -> None:
        if self._off:
            self._endpoint.turn_away()
        elif self._wire is not None:
            self._endpoint.look()
        self._sync()

    def _sync(self) -> None:
        """Tell the board when a client has come or gone."""
        wire, client = self._wire, self._endpoint.client is not None
        if wire is None or client == self._session:
            return
        self._session = client
        self._to_client.clear()
        if client:
            wire.open_session()
        else:
            wire.close_session()


def _wait(reads: list[int], writes: list[int], timeout_s: float | None) -> tuple[set[int], set[int]]:
    """Wait for file numbers; a hang-up counts as readable, asked for or not."""
    if not hasattr(select, "poll"):
        readable, writable, _ = select.select(reads, writes, [], timeout_s)
        return set(readable), set(writable)
    poll = select.poll()
    for number in {*reads, *writes}:
        poll.register(number, (number in reads) * select.POLLIN | (number in writes) * select.POLLOUT)
    events = poll.poll(None if timeout_s is None else timeout_s * 1000)
    return (
        {number for number, event in events if event & ~select.POLLOUT},
        {number for number, event in events if event & select.POLLOUT},
    )
