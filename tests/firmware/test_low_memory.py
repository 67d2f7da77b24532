"""A heap that is nearly full: what came over the link is refused or lost, and the logger goes on."""

import sys

from fakes import arm, make, of_kind, plan, run

from celltrail_protocol import cbor, codes, console, frames, smp
from logger import server as server_module
from logger.server import Server

SMALL = sys.implementation.name == "micropython"
# A message may be 1200 bytes long: neither it nor what it holds finds room.
LEFT_BYTES = 900


class Full:
    """Takes the heap until a piece of LEFT_BYTES finds no room; only MicroPython has an end of it."""

    def __init__(self):
        self.taken = []

    def __enter__(self):
        size = 8192
        while SMALL and size >= LEFT_BYTES:
            try:
                self.taken.append(bytearray(size))
            except MemoryError:
                size //= 2
        return self

    def __exit__(self, *_):
        self.taken = []
        return False


class Wire:
    """Holds what comes in once and lets go what comes out, so that it takes nothing of the heap."""

    def __init__(self, lines):
        self._lines = memoryview(lines)
        self._at = 0
        self.written = 0

    def again(self):
        self._at = 0

    def read(self, limit):
        data = self._lines[self._at : self._at + limit]
        self._at += len(data)
        return data

    def write(self, data):
        self.written += 1
        return len(data)

    def connected(self):
        return True


def message(op, group, command, body):
    return smp.pack_header(op, 1, group, 5, command, len(body)) + body


def test_logger_goes_on_while_strangers_send_what_the_heap_has_no_room_for():
    app, host = make()
    assert "trip" in arm(host, plan(period_ms=1000))
    run(app, 20000)
    many = b"\x9f" + b"\x80" * 250 + b"\xff"
    requests = [
        message(smp.OP_READ, smp.GROUP_CELLTRAIL, smp.CMD_STATUS, b"\xa1\x61x" + many),
        message(smp.OP_READ, smp.GROUP_CELLTRAIL, smp.CMD_STATUS, b"\xa0"),
        message(smp.OP_READ, smp.GROUP_FS, smp.FS_DOWNLOAD, cbor.dumps({"off": 0, "name": "/trip/1", "ack": 0})),
        message(smp.OP_WRITE, smp.GROUP_OS, smp.OS_ECHO, cbor.dumps({"d": "x" * 1100})),
    ]
    wire = Wire(b"".join([b"".join(console.encode(one)) for one in requests]))
    app.link._link = app.board.link = wire
    slot = app.trip.schedule.slot
    with Full():
        for second in range(20):
            wire.again()
            run(app, 21000 + second * 1000)
    assert wire.written
    assert app.trip.schedule.slot == slot + 20
    assert app.state.state == codes.STATE_LOGGING
    assert host.read(smp.CMD_STATUS)["slot"] == slot + 20
    assert of_kind(app, frames.GAP) == []


class Handlers:
    """Every command finds the heap full."""

    def __getattr__(self, name):
        return self

    def turn_to(self, caller):
        pass

    def __call__(self, *_):
        raise MemoryError


def test_what_only_reads_is_refused_and_what_changes_something_is_a_fault():
    server = Server(Handlers(), Handlers(), Handlers())
    reading = server.answer(message(smp.OP_READ, smp.GROUP_CELLTRAIL, smp.CMD_STATUS, b"\xa0"))
    assert cbor.loads(reading[8:]) == {"err": {"group": smp.GROUP_CELLTRAIL, "rc": smp.ERR_NO_MEMORY}}
    echo = server.answer(message(smp.OP_WRITE, smp.GROUP_OS, smp.OS_ECHO, b"\xa0"))
    assert cbor.loads(echo[8:]) == {"rc": smp.MGMT_NO_MEMORY}
    try:
        server.answer(message(smp.OP_WRITE, smp.GROUP_CELLTRAIL, smp.CMD_ARM, b"\xa0"))
    except MemoryError:
        return
    raise AssertionError("a change that was cut short went on")


def test_request_that_finds_no_room_is_refused_before_anything_was_done():
    app, _ = make()
    loads = server_module.cbor.loads

    def full(data):
        raise MemoryError

    server_module.cbor.loads = full
    try:
        answer = app.server.answer(message(smp.OP_WRITE, smp.GROUP_CELLTRAIL, smp.CMD_MARK, b"\xa0"))
    finally:
        server_module.cbor.loads = loads
    assert cbor.loads(answer[8:]) == {"err": {"group": smp.GROUP_CELLTRAIL, "rc": smp.ERR_NO_MEMORY}}


def test_line_that_finds_no_room_is_dropped_and_the_next_one_is_read():
    app, _ = make()
    link, wire = app.link, app.board.link

    class Reader(console.Reader):
        def feed(self, data):
            raise MemoryError

    link._reader = Reader()
    line = b"".join(console.encode(message(smp.OP_WRITE, smp.GROUP_OS, smp.OS_ECHO, cbor.dumps({"d": "x"}))))
    wire.incoming = line
    link.poll()
    assert (link.dropped(), wire.outgoing) == (1, b"")
    wire.incoming = line
    link.poll()
    assert link.dropped() == 1
    assert len(console.Reader().feed(wire.outgoing)) == 1
