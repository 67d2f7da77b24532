"""All thermometers at once: readings, the faults of those that fail, and what a plan frame says of them."""

import fakes

from celltrail_protocol import codes, frames, smp
from celltrail_protocol.records import NO_READING
from logger.hardware import SensorFault
from logger.probes import Probes

MINUTE = 60000


class Thermometer:
    """Gives its values one after the other; an exception is raised."""

    model, step_nK, low_raw, high_raw, uncertainty_mK = 1, 7812500, -7040, 19200, 300
    lead_ms = 0

    def __init__(self, *values):
        self.values = list(values)
        self.start_fault = False
        self.begun = False

    def begin(self):
        if self.start_fault:
            raise SensorFault(codes.FAULT_ABSENT)
        self.begun = True

    def start(self):
        if self.start_fault:
            raise SensorFault(codes.FAULT_ABSENT)

    def read_raw(self):
        value = self.values.pop(0)
        if isinstance(value, Exception):
            raise value
        return value


def test_reads_all_and_names_the_faults_in_order():
    gone = SensorFault(codes.FAULT_ABSENT), SensorFault(codes.FAULT_OPEN)
    probes = Probes([Thermometer(gone[0]), Thermometer(5), Thermometer(gone[1])])
    assert probes.last == [NO_READING] * 3
    assert probes.read() == bytes((codes.FAULT_ABSENT, codes.FAULT_OPEN))
    assert probes.last == [NO_READING, 5, NO_READING]


def test_value_that_no_frame_can_hold_is_a_fault():
    probes = Probes([Thermometer(-32768, 32768, -32769, 32767, -32767)])
    for _ in range(3):
        assert probes.read() == bytes((codes.FAULT_SATURATED,))
    for value in (32767, -32767):
        assert probes.read() == b""
        assert probes.last == [value]


def test_conversions_are_begun_together_and_forgotten_together():
    slow, broken, quick = Thermometer(1), Thermometer(2), Thermometer(3)
    slow.lead_ms, broken.lead_ms, broken.start_fault = 70, 750, True
    probes = Probes([slow, broken, quick])
    assert probes.lead_ms == 750
    probes.begin()
    assert (slow.begun, broken.begun, quick.begun) == (True, False, True)
    probes.forget()
    assert not slow.begun and not quick.begun
    assert Probes([]).lead_ms == 0


def test_fault_is_new_when_it_begins_or_changes():
    bus, absent = SensorFault(codes.FAULT_BUS), SensorFault(codes.FAULT_ABSENT)
    probes = Probes([Thermometer(1, 1, 1, 1, 1, 1), Thermometer(bus, bus, absent, 5, absent, absent)])
    told = [probes.new_faults(probes.read()) for _ in range(6)]
    assert told == [[(1, codes.FAULT_BUS)], [], [(1, codes.FAULT_ABSENT)], [], [(1, codes.FAULT_ABSENT)], []]


def test_start_makes_faults_new_again_and_takes_none_amiss():
    absent = SensorFault(codes.FAULT_ABSENT)
    thermometer = Thermometer(absent, absent)
    probes = Probes([thermometer])
    assert probes.new_faults(probes.read()) == [(0, codes.FAULT_ABSENT)]
    thermometer.start_fault = True
    probes.start()
    assert probes.new_faults(probes.read()) == [(0, codes.FAULT_ABSENT)]


def test_entries_of_the_plan_frame():
    assert Probes([Thermometer()]).entries() == b"\x01\x94\x35\x77\x00\x80\xe4\x00\x4b\x2c\x01"
    assert len(Probes([Thermometer(), Thermometer()]).entries()) == 22


def test_barometer_is_the_last_channel():
    board = fakes.Board(scripts=[lambda tick: 640])
    board.barometer = fakes.Probe(board, lambda tick: None if 2 * MINUTE <= tick < 4 * MINUTE else 25000)
    board.barometer.model = codes.MODEL_BMP390
    app, host = fakes.make(board)
    fakes.arm(host, fakes.plan())
    fakes.run(app, 10 * MINUTE)
    status = host.read(smp.CMD_STATUS)
    assert status["models"] == [codes.MODEL_TMP117, codes.MODEL_BMP390]
    assert status["last"] == [640, 25000]
    host.prove(smp.CMD_STOP, {"op": "X"})
    assert set(fakes.readings(app, 0).values()) == {640}
    assert fakes.readings(app, 1) == {slot: 25000 for slot in (0, 1, 4, 5, 6, 7, 8, 9, 10)}
    assert [one[1:3] for one in fakes.of_kind(app, frames.FAULT)] == [(1, codes.FAULT_ABSENT)]
    # It can't raise alarms: its limits are no temperatures.
    alarm = [1, codes.ALARM_HIGH, codes.ALARM_SINGLE, 25000, 0]
    answer = fakes.arm(host, fakes.plan(alarms=[alarm]), discard=True)
    assert answer["err"]["rc"] == smp.ERR_PLAN
