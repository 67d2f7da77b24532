"""The channels, thermometers and then the barometer: read all at once, and say why one has no reading."""

from celltrail_protocol import codes, frames
from celltrail_protocol.layout import pack
from celltrail_protocol.records import NO_READING
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Thermometer


class Probes:
    """`all` are the channels in order; `last` holds their latest raw readings, NO_READING for those without one.

    lead_ms: how long before a reading `begin` must be called, so that no reading has to wait for a conversion: the
    samples of an accelerometer would be overwritten meanwhile. 0: not at all.
    """

    def __init__(self, channels: "list[Thermometer]") -> None:
        self.all = channels
        self.count = len(channels)
        self.last: "list[int]" = [NO_READING] * self.count
        self._faults = bytearray(self.count)
        self.lead_ms = max([probe.lead_ms for probe in channels] + [0])

    def start(self) -> None:
        """Prepare the chips; what fails says so with its first reading."""
        for channel in range(self.count):
            self._faults[channel] = 0
            try:
                self.all[channel].start()
            except SensorFault:
                pass

    def begin(self) -> None:
        """Start the conversions that take long; what fails says so with its reading."""
        for probe in self.all:
            try:
                probe.begin()
            except SensorFault:
                pass

    def forget(self) -> None:
        """The conversions under way are of another slot: the next readings are of their own time."""
        for probe in self.all:
            probe.begun = False

    def read(self) -> bytes:
        """Take a reading of all channels into `last`; the fault codes of those without one, in order."""
        missing = b""
        for channel in range(self.count):
            try:
                self.last[channel] = self.take(channel)
            except SensorFault as fault:
                self.last[channel] = NO_READING
                missing += bytes((fault.code,))
        return missing

    def take(self, channel: int) -> int:
        """A reading of one channel; raises SensorFault."""
        value = self.all[channel].read_raw()
        if not NO_READING < value <= 32767:
            raise SensorFault(codes.FAULT_SATURATED)
        return value

    def pressure_Pa(self) -> "int | None":
        """Of the barometer, the last channel; None when it does not say."""
        probe = self.all[-1]
        try:
            return self.take(self.count - 1) * probe.step_nK // 1000000000
        except SensorFault:
            return None

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

    def failing(self) -> bool:
        """Whether a channel had no reading the last time."""
        return any(self._faults)

    def entries(self) -> bytes:
        """What a plan frame says of the channels."""
        entries = b""
        for probe in self.all:
            values = (probe.model, probe.step_nK, probe.low_raw, probe.high_raw, probe.uncertainty_mK)
            entries += pack(frames.CHANNEL, values)
        return entries
