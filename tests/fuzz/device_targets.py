"""The device's parsers as targets, in the subset that MicroPython runs: an exception comes out for a defect only."""

import sys

from fake_flash import SECTORS, new_flash
from fakes import HN, K0, KEY, Board, arm, make, plan, provision, run
from flash_image import IMAGE_SEEDS, write_image
from vector_files import data_of, read, same

from boards.models.nor_flash import NorFlash
from celltrail_protocol import cbor, codes, console, frames, series, smp
from celltrail_protocol.layout import ProtocolError, unpack
from celltrail_protocol.plan import LONGEST_PLAN
from celltrail_protocol.plan_rules import validate
from logger.alarms import Alarms
from logger.schedule import Schedule

SMALL = sys.implementation.name == "micropython"
_MOST_STEPS = 400
_LAST_NUMBER = 0x7FFFFFFF
_MOST_HELD_BYTES = 4096
STATES = ("new", "keyed", "armed", "logging", "stopped")


class Bench:
    """Loggers in the wanted states, each made anew only when its flash has changed since.

    A small heap has room for one; elsewhere each state has its own.
    """

    def __init__(self):
        self._kept = {}

    def logger(self, number):
        state = STATES[number % len(STATES)]
        app, host, programs = self._kept.get(state, (None, None, -1))
        if app is None or app.area.programs != programs:
            app = host = None
            if SMALL:
                self._kept = {}
            app, host = _logger(state, None if SMALL else NorFlash(SECTORS))
            self._kept[state] = (app, host, app.area.programs)
        app.board.tick_ms += 2000
        return app, host

    def forget(self):
        """The one flash is used for something else."""
        self._kept = {}


BENCH = Bench()


def _logger(state, flash):
    app, host = make(Board(flash))
    if state == "keyed":
        provision(host)
    elif state != "new":
        start = codes.START_COMMAND if state == "armed" else codes.START_NOW
        assert "trip" in arm(host, plan(start=start, checkpoint_s=60))
        run(app, app.board.tick_ms + 300000)
        if state == "stopped":
            host.prove(smp.CMD_STOP, {})
    return app, host


def check_answer(request, answer):
    """An answer is well-formed SMP to this request, and no longer than a message may be."""
    if answer is None:
        return
    op, version, _, _, group, sequence, command = smp.parse_header(answer)
    asked = smp.parse_header(request)
    assert (op, version, group, sequence, command) == (asked[0] + 1, asked[1]) + asked[4:]
    assert isinstance(cbor.loads(answer[smp.HEADER_SIZE :]), dict)
    assert len(answer) <= smp.LONGEST_MESSAGE


def smp_server(data):
    """[state][message]"""
    app, _ = BENCH.logger(data[0] if data else 0)
    check_answer(data[1:], app.server.answer(data[1:]))


def smp_proven(data):
    """[state][command][CBOR of the request]: as a host that holds the device key would send it."""
    if len(data) < 2:
        return
    app, host = BENCH.logger(data[0] % (len(STATES) - 1) + 1)
    host.challenge()
    body = data[2:]
    wrapped = host.wrap(data[1] % 16, {})
    wrapped["a"] = bytes(body)
    wrapped["m"] = _mac(host, data[1] % 16, wrapped)
    request = cbor.dumps(wrapped)
    if len(request) > smp.LONGEST_MESSAGE - smp.HEADER_SIZE:
        return
    message = smp.pack_header(smp.OP_WRITE, 1, smp.GROUP_CELLTRAIL, 1, data[1] % 16, len(request)) + request
    check_answer(message, app.server.answer(message))
    app.step()


def _mac(host, command, wrapped):
    from celltrail_protocol.seals import HOST, command_mac

    return command_mac(host.key, HOST, command, wrapped["n"], host._dn, HN, wrapped["a"])


def console_link(data):
    """[state][bytes on the line]"""
    app, _ = BENCH.logger(data[0] if data else 0)
    wire, link = app.board.link, app.link
    wire.incoming, wire.outgoing = bytes(data[1:]), b""
    for _ in range(_MOST_STEPS):
        more = link.poll()
        assert sum([len(message) for message in link.held]) <= _MOST_HELD_BYTES
        if not more and not wire.incoming:
            break
    assert not wire.incoming, "the link does not take what comes"
    for message in console.Reader().feed(wire.outgoing):
        smp.parse_header(message)
        assert isinstance(cbor.loads(message[smp.HEADER_SIZE :]), dict)
    link.connection_lost()
    assert link.is_fresh()


def cbor_codec(data):
    """What is taken can be written and read again, the same."""
    try:
        value = cbor.loads(data)
    except ProtocolError:
        return
    assert same(cbor.loads(cbor.dumps(value)), value)


def console_reader(data):
    """Messages come out of any stream, however it is cut; what comes out checks."""
    whole = console.Reader().feed(data)
    reader, pieces = console.Reader(), []
    for at in range(0, len(data), 7):
        pieces.extend(reader.feed(data[at : at + 7]))
    assert pieces == whole
    for message in whole:
        assert len(message) <= smp.LONGEST_MESSAGE


def plan_settings(data):
    """What `validate` takes, a trip can be armed with; one that watches for flights only with a barometer."""
    try:
        values = cbor.loads(data)
        validate(values, [(-7040, 19200)])
    except ProtocolError:
        return
    Alarms(values["alarms"], values["period_ms"], 0).raised
    Schedule(values["period_ms"]).start(0, 0)
    if len(data) <= LONGEST_PLAN:
        app, host = BENCH.logger(1)
        answer = arm(host, bytes(data))
        if "flight" in values:
            assert answer["err"]["rc"] == smp.ERR_PLAN
            return
        assert "trip" in answer, answer
        app.step()


def frame_scan(data):
    """[journal][sequence u32][sector]: frames ascend, lie inside and check; each payload is read or refused."""
    journal, sequence = bool(data and data[0] & 1), int.from_bytes(data[1:5], "little")
    sector, first = data[5 : 5 + 4096], 48 if journal else 64
    end = min(len(sector), 4096 if journal else 0xF80)
    found, damaged, used = frames.scan_all(sector, first, end, sequence, journal)
    at = first
    for offset, kind, start, stop in found:
        assert at <= offset and start == offset + 2 <= stop and stop + frames.CHECK_SIZE <= end
        at = stop + frames.CHECK_SIZE
        try:
            if kind in frames.TABLES:
                unpack(frames.TABLES[kind], sector, start, stop)
        except ProtocolError:
            pass
    assert all([first <= start < stop for start, stop in damaged])
    assert used >= at


def series_decode(data):
    """[block][count][series]: as many values of 16 bits as asked for, or a refusal."""
    count = data[1] if len(data) > 1 else 0
    try:
        values = series.decode(data[2:], count, series.BLOCK_WAVE if data and data[0] & 1 else series.BLOCK_READINGS)
    except ProtocolError:
        return
    assert len(values) == count and all([-32768 <= value <= 32767 for value in values])


def mount(data):
    """A flash with anything in it: the logger mounts, tells its status, erases only what it may, and can be armed."""
    BENCH.forget()
    flash = new_flash()
    write_image(flash, data)
    before = flash.erases
    app, host = make(Board(flash))
    assert flash.erases == before, "mounting erases nothing"
    assert "state" in host.read(smp.CMD_STATUS)
    if _used_up(app):
        return
    app.board.tick_ms = 20000
    for _ in range(20):
        app.step()
    key = app._commands._identity.key
    host.key = KEY if key is None else key
    _end_trip(host)
    answer = arm(host, plan(), discard=True)
    assert answer.get("trip"), answer
    run(app, app.board.tick_ms + 200000)
    status = host.read(smp.CMD_STATUS)
    assert status["state"] == codes.STATE_LOGGING, status
    assert "mac" in host.read(smp.CMD_LIVE, {"nonce": bytes(16)})


def _used_up(app):
    """Whether a forged number leaves none to count on with: no logger gets there in its life."""
    trip = app.trip
    numbers = [trip.ring.sequence, trip.ring.index, trip.ratchet.epoch, trip.state.next_trip, trip.state.next_sequence]
    numbers += trip.recorder.packed + [trip.recorder.journal.last_slot(), trip.recorder.journal._sequence]
    numbers += [app._store._number]
    return max(numbers) > _LAST_NUMBER


def _end_trip(host):
    for _ in range(3):
        if host.read(smp.CMD_STATUS)["state"] not in (codes.STATE_ARMED, codes.STATE_LOGGING):
            return
        host.app.board.tick_ms += 2000
        provision(host)
        host.prove(smp.CMD_STOP, {})


# Seeds


def _requests():
    """A valid request of every kind: (state, op, group, command, body)."""
    name = "/trip/1"
    yield 0, smp.OP_WRITE, smp.GROUP_OS, smp.OS_ECHO, {"d": "hello"}
    yield 3, smp.OP_READ, smp.GROUP_OS, smp.OS_DATETIME, {}
    yield 0, smp.OP_READ, smp.GROUP_OS, smp.OS_INFO, {"format": "a"}
    yield 3, smp.OP_READ, smp.GROUP_STAT, smp.STAT_GROUP, {"name": "flash"}
    for at in (0, 1024, 4000):
        yield 3, smp.OP_READ, smp.GROUP_FS, smp.FS_DOWNLOAD, {"off": at, "name": name, "ack": at}
    yield 3, smp.OP_READ, smp.GROUP_FS, smp.FS_DOWNLOAD, {"off": 0, "name": name + "/pending"}
    yield 4, smp.OP_READ, smp.GROUP_FS, smp.FS_HASH, {"name": name, "type": "crc32", "off": 5, "len": 4096}
    yield 3, smp.OP_READ, smp.GROUP_FS, smp.FS_HASH, {"name": name, "type": "sha256"}
    yield 3, smp.OP_READ, smp.GROUP_FS, smp.FS_STATUS, {"name": name}
    yield 3, smp.OP_READ, smp.GROUP_CELLTRAIL, smp.CMD_STATUS, {}
    yield 3, smp.OP_READ, smp.GROUP_CELLTRAIL, smp.CMD_LIVE, {"nonce": bytes(16)}
    yield 1, smp.OP_WRITE, smp.GROUP_CELLTRAIL, smp.CMD_CHALLENGE, {"hn": HN}
    yield 0, smp.OP_WRITE, smp.GROUP_CELLTRAIL, smp.CMD_PROVISION, {"name": "CT-1", "key": KEY}
    yield (
        3,
        smp.OP_WRITE,
        smp.GROUP_CELLTRAIL,
        smp.CMD_MARK,
        {"kind": 3, "outcome": 0, "op": "A", "place": "B", "note": "C"},
    )
    yield 1, smp.OP_WRITE, smp.GROUP_CELLTRAIL, smp.CMD_ARM, {"a": b"x", "n": 1, "m": bytes(32)}


def _commands():
    clock = {"tick": 0, "utc": 1700000000000, "unc": 5, "src": 1}
    request = {"k0": K0, "plan": plan(), "op": "AB"}
    request.update(clock)
    yield 0, smp.CMD_ARM, request
    yield 3, smp.CMD_ARM, dict(request, discard=True)
    yield 1, smp.CMD_START, {"op": "AB"}
    yield 2, smp.CMD_STOP, {"op": "AB"}
    yield 2, smp.CMD_MARK, {"kind": 3, "outcome": 0, "op": "A", "place": "B", "note": "C"}
    yield 3, smp.CMD_ERASE, {"op": "A", "discard": True}
    yield 2, smp.CMD_CLOCK, clock
    yield 2, smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": 100}
    yield 0, smp.CMD_PROVISION, {"name": "CT-1", "key": KEY}
    yield 2, smp.CMD_RESET, {"op": "A"}


def smp_seeds():
    made = []
    for state, op, group, command, body in _requests():
        data = cbor.dumps(body)
        for version in (0, 1):
            made.append(bytes((state,)) + smp.pack_header(op, version, group, 7, command, len(data)) + data)
    return made


def console_seeds():
    made = [seed[:1] + b"".join(console.encode(seed[1:])) for seed in smp_seeds()]
    return made + [b"\x03" + b"".join([seed[1:] for seed in made])]


def proven_seeds():
    return [bytes((state, command)) + cbor.dumps(body) for state, command, body in _commands()]


def _vectors(kind, **wanted):
    return [data_of(one) for one in read(kind) if all([one.get(key) == wanted[key] for key in wanted])]


def frame_seeds():
    made = []
    for sequence in (0, 40):
        ring, journal = bytearray(b"\xff" * 64), bytearray(b"\xff" * 48)
        for vector in read("frames"):
            if "error" not in vector and "fields" in vector:
                kind, payload = data_of(vector)[1], data_of(vector)[2 : -frames.CHECK_SIZE]
                for sector, build in ((ring, frames.seed), (journal, frames.journal_seed)):
                    if len(sector) % 256 + len(payload) + frames.OVERHEAD > 256:
                        sector.extend(b"\xff" * (256 - len(sector) % 256))
                    if len(sector) < 3000:
                        sector.extend(frames.build(kind, payload, build(sequence, len(sector))))
        head = sequence.to_bytes(4, "little")
        made += [b"\0" + head + bytes(ring), b"\1" + head + bytes(journal)]
    return made


def series_seeds():
    flat, rough = [5] * 255, [(i * i * 37) % 900 - 450 for i in range(120)]
    jump = [0] * 15 + [32767, -32768] * 8
    made = []
    for block, number in ((series.BLOCK_READINGS, 0), (series.BLOCK_WAVE, 1)):
        for values in (flat, rough, jump, [-1]):
            made.append(bytes((number, len(values))) + series.encode(values, values[0], block))
    return made


def plan_seeds():
    return _vectors("plans")


def cbor_seeds():
    return _vectors("cbor")


def console_reader_seeds():
    return [seed[1:] for seed in console_seeds()[::2]]


def image_seeds():
    return list(IMAGE_SEEDS)


# name: (function, seeds, the most bytes of an input)
DEVICE_TARGETS = {
    "smp": (smp_server, smp_seeds, 1201),
    "proven": (smp_proven, proven_seeds, 1100),
    "link": (console_link, console_seeds, 6000),
    "cbor": (cbor_codec, cbor_seeds, 1200),
    "console": (console_reader, console_reader_seeds, 6000),
    "plan": (plan_settings, plan_seeds, 600),
    "frames": (frame_scan, frame_seeds, 4101),
    "series": (series_decode, series_seeds, 260),
    "mount": (mount, image_seeds, 2000),
}
assert SECTORS >= 10
