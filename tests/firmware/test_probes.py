"""All thermometers at once: readings, the faults of those that fail, and what a plan frame says of them."""

from celltrail_protocol import codes
from celltrail_protocol.records import NO_READING
from logger.hardware import SensorFault
from logger.probes import Probes


class Thermometer:
    """Gives its values one after the other; an exception is raised."""

    model, step_nK, low_raw, high_raw, uncertainty_mK = 1, 7812500, -7040, 19200, 300

    def __init__(self, *values):
        self.values = list(values)
        self.start_fault = False

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
