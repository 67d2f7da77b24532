"""The thermometers: read all at once, and say why one has no reading."""

from celltrail_protocol import codes, frames
from celltrail_protocol.layout import pack
from celltrail_protocol.records import NO_READING
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Thermometer


class Probes:
    """`last` holds the latest raw readings, NO_READING for those without one."""

    def __init__(self, thermometers: "list[Thermometer]") -> None:
        self._all = thermometers
        self.count = len(thermometers)
        self.last: "list[int]" = [NO_READING] * self.count
        self._faults = bytearray(self.count)

    def start(self) -> None:
        """Prepare the chips; what fails says so with its first reading."""
        for channel in range(self.count):
            self._faults[channel] = 0
            try:
                self._all[channel].start()
            except SensorFault:
                pass

    def read(self) -> bytes:
        """Take a reading of all channels into `last`; the fault codes of those without one, in order."""
        missing = b""
        for channel in range(self.count):
            try:
                self.last[channel] = self._read(channel)
            except SensorFault as fault:
                self.last[channel] = NO_READING
                missing += bytes((fault.code,))
        return missing

    def _read(self, channel: int) -> int:
        value = self._all[channel].read_raw()
        if not NO_READING < value <= 32767:
            raise SensorFault(codes.FAULT_SATURATED)
        return value

    def new_faults(self, missing: bytes) -> "list[tuple[int, int]]":
        """(channel, code) of the channels that begin to fail; `missing` is what `read` gave."""
        found: "list[tuple[int, int]]" = []
        if not missing and not any(self._faults):
            return found
        seen = 0
        for channel in range(self.count):
            code = 0
            if self.last[channel] == NO_READING:
                code = missing[seen]
                seen += 1
            if code and code != self._faults[channel]:
                found.append((channel, code))
            self._faults[channel] = code
        return found

    def entries(self) -> bytes:
        """What a plan frame says of the channels."""
        entries = b""
        for probe in self._all:
            values = (probe.model, probe.step_nK, probe.low_raw, probe.high_raw, probe.uncertainty_mK)
            entries += pack(frames.CHANNEL, values)
        return entries
