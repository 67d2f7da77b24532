"""Calibrations and the self-test: who may, when, what stays of it, and what a test says of parts that fail."""

import sys

from fakes import Board, Chip, Probe, arm, frames_of, make, of_kind, plan, provision, restart, run

from celltrail_protocol import cbor, codes, frames, smp
from logger.hardware import SensorFault

CAL = cbor.dumps({"v": 1, "c": [[0, 1, "C-17", 20500, 50, 20, 0, [[0, 12], [25000, 24990]]]]})
LONG = cbor.dumps({"v": 1, "c": [[0, 1, "C" * 400, 20500, 50, 20, 0, [[0, 12]]]]})


def rc(answer):
    return answer["err"]["rc"]


def calibrate(host, data, op="AB"):
    return host.prove(smp.CMD_CALIBRATE, {"cal": data, "op": op, "utc": 1700000000000})


def kept(host):
    return host.read(smp.CMD_CALIBRATE)["cal"]


def recorded(app):
    parts = of_kind(app, frames.CALIBRATION)
    assert [(part, count) for part, count, _ in parts] == [(i, len(parts)) for i in range(len(parts))]
    return b"".join([data for _, _, data in parts])


# Calibrations


def test_it_is_kept_over_restarts_and_goes_into_each_record():
    for data in (CAL, LONG):
        app, host = make()
        provision(host)
        assert calibrate(host, data) == {}
        app, host = restart(app)
        assert kept(host) == data
        arm(host, plan())
        assert recorded(app) == data
        host.prove(smp.CMD_STOP, {"op": "AB"})
        arm(host, plan(), discard=True)
        assert recorded(app) == data
        # The commands of before have their place in the record.
        assert [one[3] for one in of_kind(app, frames.EARLIER)].count(smp.CMD_CALIBRATE) == 0


def test_none_leaves_no_frame():
    app, host = make()
    provision(host)
    assert kept(host) == b""
    calibrate(host, CAL)
    assert calibrate(host, b"") == {}
    assert kept(host) == b""
    arm(host, plan())
    assert of_kind(app, frames.CALIBRATION) == []
    earlier = [one[3:5] for one in of_kind(app, frames.EARLIER)]
    assert earlier == [(smp.CMD_PROVISION, b""), (smp.CMD_CALIBRATE, b"AB"), (smp.CMD_CALIBRATE, b"AB")]


def test_it_wants_a_proof_and_no_trip():
    app, host = make()
    request = {"cal": CAL, "op": "AB"}
    for _ in range(2):
        assert rc(host.ask(64, smp.CMD_CALIBRATE, smp.OP_WRITE, request)) == smp.ERR_NOT_PROVEN
        provision(host)
    arm(host, plan())
    assert rc(calibrate(host, CAL)) == smp.ERR_STATE
    run(app, 60000)
    assert rc(calibrate(host, CAL)) == smp.ERR_STATE
    assert kept(host) == b""


def test_what_is_no_calibration_is_refused_and_changes_nothing():
    app, host = make()
    provision(host)
    calibrate(host, CAL)
    wrong = (b"\xff", cbor.dumps([1]), cbor.dumps({"v": 2}), cbor.dumps({"c": []}), CAL + b"\x00", bytes(481), 5, None)
    for data in wrong:
        assert rc(calibrate(host, data)) == smp.ERR_BAD_REQUEST, data
    assert kept(host) == CAL
    assert "trip" in arm(host, plan())
    assert recorded(app) == CAL


def test_the_bench_is_let_go_of():
    app, host = make()
    provision(host)
    calibrate(host, CAL)
    assert "logger.bench" not in sys.modules
    # After a refusal as well.
    assert rc(calibrate(host, b"\xff")) == smp.ERR_BAD_REQUEST
    assert "logger.bench" not in sys.modules


def test_a_reading_beyond_the_range_fails():
    board = full()
    board.thermometers[0]._script = lambda tick: 40000
    _, _, told = try_out(board)
    assert told["probes"][0] == [codes.FAULT_SATURATED, None]
    assert told["failed"] == 1


# Self-test


class Barometer(Probe):
    model = codes.MODEL_BMP390
    step_nK = 4000000000


class Clock:
    fault = 0

    def read(self):
        if self.fault:
            raise SensorFault(self.fault)
        return 1700000123, 500

    def set(self, utc_s, doubt_ms):
        pass


class Still(Chip):
    def read_fifo(self, out, room_sets):
        self._check()
        out[0], out[1], out[2], out[3], out[4], out[5] = 9, 9, 9, 1, -1, 10
        return 2


def try_out(board=None, act=None):
    app, host = make(board or Board())
    provision(host)
    if act:
        act(app)
    return app, host, host.prove(smp.CMD_TEST, {"op": "AB", "utc": 1700000000000})


def full():
    board = Board(chip=Still())
    board.barometer = Barometer(board, lambda tick: 25331)
    board.rtc = Clock()
    return board


def test_a_good_logger():
    app, host, told = try_out(full())
    assert told["probes"] == [[0, 640], [0, 25331]]
    assert told["accel"] == [0, 1, -1, 10]
    assert told["flash"] == 0 and told["battery"] == 3900 and told["failed"] == 0
    assert told["clock"][:2] == [0, 1700000123]
    assert "radio" not in told
    assert "trip" in arm(host, plan())
    (test,) = [one for one in of_kind(app, frames.EARLIER) if one[3] == smp.CMD_TEST]
    assert test[4] == b"AB" and test[6] == 0


def test_each_part_that_fails_is_named_and_logged():
    def broken(app):
        board = app.board
        board.thermometers[0]._script = lambda tick: None
        board.accelerometer.fault = codes.FAULT_BUS
        board.rtc.fault = codes.FAULT_NOT_READY
        board.battery_mV = lambda: 3400

    app, host, told = try_out(full(), broken)
    assert told["probes"] == [[codes.FAULT_ABSENT, None], [0, 25331]]
    assert told["accel"] == [codes.FAULT_BUS] and told["clock"] == [codes.FAULT_NOT_READY]
    failed = 1 | codes.TEST_ACCELEROMETER | codes.TEST_CLOCK | codes.TEST_BATTERY
    assert told["failed"] == failed
    arm(host, plan())
    (test,) = [one for one in of_kind(app, frames.EARLIER) if one[3] == smp.CMD_TEST]
    assert test[6] == failed


def test_a_chip_without_samples_fails():
    board = full()
    board.accelerometer = Chip()
    _, _, told = try_out(board)
    assert told["accel"] == [codes.FAULT_NOT_READY]
    assert told["failed"] == codes.TEST_ACCELEROMETER


class DeafFlash:
    """One page of each sector takes nothing."""

    def __init__(self, flash):
        self._flash = flash
        self.sectors = flash.sectors

    def read_into(self, addr, buf):
        self._flash.read_into(addr, buf)

    def program(self, addr, data):
        if addr % 4096 != 512:
            self._flash.program(addr, data)

    def erase(self, sector):
        self._flash.erase(sector)


def test_a_flash_that_takes_nothing_fails():
    def broken(app):
        app.area.flash = DeafFlash(app.area.flash)

    _, _, told = try_out(full(), broken)
    assert told["flash"] == codes.FAULT_FLASH_PROGRAM
    assert told["failed"] == codes.TEST_FLASH


def test_it_touches_nothing_of_a_stopped_trip():
    app, host = make(full())
    arm(host, plan())
    run(app, 300 * 60000)
    host.prove(smp.CMD_STOP, {"op": "AB"})
    before = frames_of(app)
    for _ in range(5):
        assert host.prove(smp.CMD_TEST, {"op": "AB"})["flash"] == 0
    assert frames_of(app) == before
    app, host = restart(app)
    assert frames_of(app) == before


def test_not_in_a_trip_and_not_without_a_proof():
    app, host = make(full())
    assert rc(host.ask(64, smp.CMD_TEST, smp.OP_WRITE, {"op": "AB"})) == smp.ERR_NOT_PROVEN
    arm(host, plan())
    assert rc(host.prove(smp.CMD_TEST, {"op": "AB"})) == smp.ERR_STATE


def test_a_full_ring_has_no_sector_to_spare():
    app, host = make(full())
    places = app.trip.ring.places
    for position in range(places.count):
        places.keep(position, position)
    provision(host)
    assert host.prove(smp.CMD_TEST, {"op": "AB"})["flash"] == codes.FAULT_FULL
