"""A fake board for device tests: a virtual clock, modelled flash, probes and an accelerometer that play a script."""

import gc
from hashlib import sha256

from fake_flash import SECTOR, new_flash

from celltrail_protocol import cbor, codes, frames, series, smp
from celltrail_protocol.layout import unpack
from celltrail_protocol.plan import DEFAULTS
from celltrail_protocol.plan_rules import KEYS
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER, HEADER_AT, MAGIC_HEADER, unpack_checked
from celltrail_protocol.seals import DEVICE, HOST, command_mac
from logger.app import App
from logger.hardware import SensorFault

KEY = bytes(range(32))
K0 = bytes([7] * 32)
HN = bytes([9] * 16)


class Probe:
    """Reads what `script` (tick -> raw or None) says; None is an open probe."""

    model = codes.MODEL_TMP117
    step_nK = 7812500
    low_raw = -7040
    high_raw = 19200
    uncertainty_mK = 300
    lead_ms = 0

    def __init__(self, board, script):
        self._board = board
        self._script = script
        self.reads = self.starts = 0
        self.begun = False
        self._begun_ms = 0

    def start(self):
        self.starts += 1
        self.begun = False

    def begin(self):
        if self.lead_ms:
            self.begun = True
            self._begun_ms = self._board.tick_ms

    def read_raw(self):
        """What the script said when the conversion was begun; without one it waits."""
        self.reads += 1
        began_ms = self._begun_ms if self.begun else self._board.tick_ms
        if not self.begun:
            self._board.tick_ms += self.lead_ms
        self.begun = False
        value = self._script(began_ms)
        if value is None:
            raise SensorFault(codes.FAULT_ABSENT)
        return value


class Chip:
    """An accelerometer whose samples are handed over by a test; with `fault` it answers only that."""

    model = codes.MODEL_ADXL372
    step_ng = 100000000
    rate_mHz = 1600000
    depth = 170
    kept_sets = 1
    range_raw = 2000

    def __init__(self):
        self.overrun = False
        self.samples = []
        self.fault = 0
        self.starts = 0

    def _check(self):
        if self.fault:
            raise SensorFault(self.fault)

    def start(self, threshold_mg):
        self._check()
        self.starts += 1

    def stop(self):
        self._check()

    def active(self):
        self._check()
        return bool(self.samples)

    def read_fifo(self, out, room_sets):
        self._check()
        taken = self.samples[: min(room_sets, self.depth)]
        for i in range(len(taken)):
            for axis in range(3):
                out[3 * i + axis] = taken[i][axis]
        del self.samples[: len(taken)]
        return len(taken)


class Wire:
    """Both ends of a byte stream; `outgoing` is what the logger sent, at most `room` bytes at a time."""

    def __init__(self):
        self.incoming = b""
        self.outgoing = b""
        self.room = 1 << 20
        self.is_connected = True

    def read(self, limit):
        if not self.incoming:
            return b""
        data = self.incoming[:limit]
        self.incoming = self.incoming[limit:]
        return data

    def write(self, data):
        taken = bytes(data[: self.room])
        self.outgoing += taken
        return len(taken)

    def connected(self):
        return self.is_connected


class Board:
    """Time passes only in `wait`; a button and a clock that tests set."""

    name = "fake"
    uid = b"FAKE0001"
    wiring_used = True

    def __init__(self, flash=None, scripts=None, chip=None, radio=None):
        self.tick_ms = 0
        if hasattr(gc, "threshold"):
            # MicroPython: what the last board left would fill a small heap.
            gc.collect()
        self.flash = flash or new_flash()
        self.link = Wire()
        self.radio = radio
        self.thermometers = [Probe(self, script) for script in scripts or [lambda tick: 640]]
        self.barometer = None
        self.rtc = None
        self.accelerometer = chip
        self.retained = None
        self.reset_cause = codes.RESET_POWER_ON
        self.pressed = False
        self.leds = []
        self.resets = 0
        self._random = 0

    def ticks_ms(self):
        return self.tick_ms

    def wait(self, until_ms):
        self.tick_ms = max(self.tick_ms, until_ms)

    def accelerometer_int(self):
        return self.accelerometer is not None and bool(self.accelerometer.samples)

    def button(self):
        return self.pressed

    def led(self, pattern):
        self.leds.append(pattern)

    def battery_mV(self):
        return 3900

    def random(self, n):
        self._random += 1
        return bytes([self._random & 0xFF] * n)

    def feed(self):
        pass

    def reset(self):
        self.resets += 1

    def world_utc_ms(self):
        return None


class Host:
    """Speaks group 64 to a server without any link between."""

    def __init__(self, app, key=KEY):
        self.app = app
        self.key = key
        self._counter = 0
        self._dn = b""

    def ask(self, group, command, op, request, version=1):
        """The answer's map."""
        body = cbor.dumps(request)
        message = smp.pack_header(op, version, group, 5, command, len(body)) + body
        answer = self.app.server.answer(message)
        return cbor.loads(answer[smp.HEADER_SIZE :])

    def read(self, command, request=None):
        return self.ask(smp.GROUP_CELLTRAIL, command, smp.OP_READ, request or {})

    def challenge(self):
        answer = self.ask(smp.GROUP_CELLTRAIL, smp.CMD_CHALLENGE, smp.OP_WRITE, {"hn": HN})
        self._counter = 0
        self._dn = answer.get("dn", b"")
        return answer

    def wrap(self, command, request):
        """A proven request under the open challenge."""
        self._counter += 1
        body = cbor.dumps(request)
        mac = command_mac(self.key, HOST, command, self._counter, self._dn, HN, body)
        return {"a": body, "n": self._counter, "c": self._dn[:4], "m": mac}

    def prove(self, command, request):
        """A fresh challenge and a proven command; the inner answer, or the error map."""
        self.challenge()
        answer = self.ask(smp.GROUP_CELLTRAIL, command, smp.OP_WRITE, self.wrap(command, request))
        if "a" not in answer:
            return answer
        mac = command_mac(self.key, DEVICE, command, self._counter, self._dn, HN, answer["a"])
        assert mac == answer["m"]
        return cbor.loads(answer["a"])


def plan(**changes):
    """A plan's CBOR with defaults, its keys in the order of the format on both runtimes."""
    pairs = [(key, changes.get(key, DEFAULTS.get(key))) for key in KEYS if key in changes or key in DEFAULTS]
    return bytes((0xA0 + len(pairs),)) + b"".join([cbor.dumps(key) + cbor.dumps(value) for key, value in pairs])


def make(board=None):
    """A mounted logger and its host."""
    board = board or Board()
    app = App(board, lambda: bytes(32))
    app.mount()
    return app, Host(app)


def provision(host):
    return host.ask(smp.GROUP_CELLTRAIL, smp.CMD_PROVISION, smp.OP_WRITE, {"name": "CT-000001", "key": host.key})


def arm(host, data, **more):
    """Provision if needed and arm."""
    provision(host)
    tick = host.app.board.tick_ms
    request = {"k0": K0, "plan": data, "op": "AB", "tick": tick, "utc": 1700000000000, "unc": 5, "src": 1}
    request.update(more)
    return host.prove(smp.CMD_ARM, request)


def run(app, until_ms):
    """Let virtual time pass until a tick."""
    board = app.board
    while True:
        again_ms = app.step()
        if again_ms is None or again_ms > until_ms:
            if board.tick_ms >= until_ms:
                return
            board.tick_ms = until_ms
        else:
            board.tick_ms = max(board.tick_ms, again_ms)


def restart(app, scripts=None):
    """Power off and on: the same flash, ticks from 0."""
    old = app.board
    # Nothing of the logger before lives on.
    app.trip = app.server = app.link = app.state = app.area = app._store = app._commands = app._sampler = None
    board = Board(old.flash, scripts, chip=old.accelerometer)
    if scripts is None:
        board.thermometers = old.thermometers
        for probe in board.thermometers:
            probe._board = board
    board.rtc = old.rtc
    board.barometer = old.barometer
    if board.barometer is not None:
        board.barometer._board = board
    return make(board)


def payloads(app):
    """(type, payload) of all frames of the trip, one after the other."""
    ring = app.trip.ring
    for index in range(ring.places.first_index(), ring.index + 1):
        if ring.read_into(index, 0, SECTOR):
            header = unpack_checked(HEADER, SECTOR, HEADER_AT, MAGIC_HEADER)
            if header is not None:
                for _, kind, start, end in frames.scan_all(SECTOR, FRAMES_AT, FRAMES_END, header[4])[0]:
                    yield kind, bytes(SECTOR[start:end])


def frames_of(app):
    """(type, values) of all frames that the format has."""
    return [(kind, unpack(frames.TABLES[kind], payload)) for kind, payload in payloads(app) if kind in frames.TABLES]


def of_kind(app, kind):
    """The values of all frames of one type."""
    return [unpack(frames.TABLES[kind], payload) for one, payload in payloads(app) if one == kind]


def readings(app, channel=0):
    """{slot: raw} of what lies packed in the ring."""
    found = {}
    for one, slot, count, data in of_kind(app, frames.READINGS):
        if one == channel:
            values = series.decode(data, count, series.BLOCK_READINGS)
            for i in range(count):
                assert slot + i not in found
                found[slot + i] = values[i]
    return found


def check_readings(app, expected):
    """Walk through many readings of channel 0 without keeping them; (first slot, last slot) of what must be gapless."""
    oldest = newest = -1
    for kind, payload in payloads(app):
        if kind == frames.READINGS:
            _, slot, count, data = unpack(frames.TABLES[kind], payload)
            assert oldest < 0 or slot == newest + 1
            assert series.decode(data, count, series.BLOCK_READINGS) == [expected(slot + i) for i in range(count)]
            oldest = slot if oldest < 0 else oldest
            newest = slot + count - 1
    return oldest, newest


def image_of(flash):
    """SHA-256 over the whole flash."""
    digest, page = sha256(b""), bytearray(256)
    for addr in range(0, flash.sectors * 4096, 256):
        flash.read_into(addr, page)
        digest.update(page)
    return "".join(["%02x" % one for one in digest.digest()])
