"""Runs on MicroPython: a logger on modelled chips, with its flash in a file and not on the heap.

Each function is one action whose cost in heap is asked for; `heap.py` calls them one by one.
"""

import math

import fakes

from boards.models.adxl372 import ADXL372Model
from boards.models.i2c_bus import I2CBus
from boards.models.signals import HeldTemperature, RecordedAcceleration, Segment
from boards.models.tmp117 import TMP117Model
from celltrail_protocol import cbor, console, smp
from drivers.accel_adxl372 import ADXL372
from drivers.temp_tmp117 import TMP117

_SECTORS = 134
_SHOCK_AT_US = 1_830_000_000
_REQUESTS = 8
# What 2-8C arms: 64 samples before, 448 after, 16 waveforms.
_SHOCK = [10000, 2000, 50, 64, 448, 16]
_ALARMS = [[0, 0, 0, 1024, 1800], [0, 0, 1, 1024, 3600], [0, 1, 0, 256, 1800], [0, 1, 1, 256, 3600], [0, 1, 0, -64, 0]]


class FileFlash:
    """The rules of a NOR flash on a file."""

    sectors = _SECTORS

    def __init__(self, path):
        blank = b"\xff" * 4096
        with open(path, "wb") as file:
            for _ in range(_SECTORS):
                file.write(blank)
        self._file = open(path, "r+b")  # noqa: SIM115  it stays open as long as the logger runs
        self._page = bytearray(256)

    def read_into(self, addr, buf):
        self._file.seek(addr)
        self._file.readinto(buf)

    def program(self, addr, data):
        page = self._page
        self.read_into(addr, page)
        for i in range(256):
            page[i] &= data[i]
        self._file.seek(addr)
        self._file.write(page)
        self._file.flush()

    def erase(self, sector):
        self._file.seek(sector * 4096)
        for _ in range(16):
            self._file.write(b"\xff" * 256)
        self._file.flush()


class SlowWire(fakes.Wire):
    """Takes at most `room` bytes at a time and forgets them."""

    room = 100_000

    def write(self, data):
        return min(len(data), self.room)


class HeapBoard(fakes.Board):
    """Drivers on modelled chips; `now_us` and `sleep_ms` are their clock."""

    def __init__(self, flash):
        super().__init__(flash)
        self.link = SlowWire()
        self.leds = _Nothing()
        bus = I2CBus([TMP117Model(self, HeldTemperature([0], [5.0])), ADXL372Model(self, _one_shock())])
        self.thermometers = [TMP117(bus, self.sleep_ms)]
        self.accelerometer = ADXL372(bus)
        self._model = bus._chips[0x53]

    def now_us(self):
        return self.tick_ms * 1000

    def sleep_ms(self, ms):
        self.tick_ms += ms

    def accelerometer_int(self):
        return self._model.int1()

    def wait(self, until_ms):
        interrupt_us = self._model.next_interrupt_us(until_ms * 1000)
        if interrupt_us is not None and not self._model.int1():
            until_ms = min(until_ms, -(-interrupt_us // 1000))
        self.tick_ms = max(self.tick_ms, until_ms)


class _Nothing:
    def append(self, pattern):
        pass


def _one_shock():
    """A half sine of 20 g and 10 ms."""
    times_us = [_SHOCK_AT_US + 1000 * i for i in range(13)]
    z = [1.0] + [1 + 20 * math.sin(math.pi * i / 11) for i in range(12)]
    return RecordedAcceleration([Segment(times_us, [0.0] * 13, [0.0] * 13, z)])


def _expect(truth):
    """An assert would not survive mpy-cross -O3."""
    if not truth:
        raise ValueError("the logger did not do what was asked")


board = None
app = None
host = None


def make_board():
    global board
    board = HeapBoard(FileFlash("/flash.bin"))


def mount():
    global app, host
    app, host = fakes.make(board)


def arm():
    plan = fakes.plan(shock=_SHOCK, alarms=_ALARMS)
    _expect("trip" in fakes.arm(host, plan))


def prepare():
    """Erase ahead, and the first reading."""
    run_until(board.tick_ms + 5000)


def run_until(until_ms):
    while True:
        again_ms = app.step()
        if again_ms is None or again_ms >= until_ms:
            board.wait(until_ms)
            if board.tick_ms >= until_ms:
                return
        elif again_ms > board.tick_ms:
            board.wait(again_ms)


def log_minutes(minutes):
    run_until(board.tick_ms + 60_000 * minutes)


def check():
    """The hour was logged as it should be: every minute, the shock, nothing failed."""
    _expect(app.trip.schedule.slot >= 60)
    _expect(app.trip.ring.events == 1)
    _expect(app.area.failed == 0)


def checkpoint():
    app.trip.checkpoint(board.tick_ms)


def live():
    _expect("mac" in host.read(smp.CMD_LIVE, {"nonce": bytes(16)}))


def mark():
    _expect(
        "tick" in host.prove(smp.CMD_MARK, {"kind": 3, "outcome": 1, "op": "AB", "place": "BRU", "note": "received"})
    )


def _send(op, group, command, request):
    body = cbor.dumps(request)
    message = smp.pack_header(op, 1, group, 1, command, len(body)) + body
    board.link.incoming += b"".join(console.encode(message))


def status():
    _send(smp.OP_READ, smp.GROUP_CELLTRAIL, smp.CMD_STATUS, {})
    app.step()


def download(room):
    """As many requests as a host keeps in flight, on a link that takes `room` bytes a step."""
    # A status request starts the count of acknowledged bytes anew.
    status()
    board.link.room = room
    name = f"/trip/{app.trip.ring.trip}"
    for i in range(_REQUESTS):
        _send(smp.OP_READ, smp.GROUP_FS, smp.FS_DOWNLOAD, {"off": (512 * i) % 2048, "name": name, "ack": 0})
    for _ in range(12):
        app.step()
    _expect(room > 1000 or app.link._out)


def finish_download():
    board.link.room = 100_000
    while board.link.incoming or app.link._out:
        app.step()


def stop():
    _expect(host.prove(smp.CMD_STOP, {"op": "AB"}) == {})
