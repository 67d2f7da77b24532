"""What is done with a logger on the bench and never in a trip: wiring, calibrations, the self-test (SPEC.md 9.3).

Loaded for a command, and let go of after it.
"""

from array import array

from celltrail_protocol import cbor, codes, smp
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import PAGE_SIZE, RING_FIRST, SECTOR_SIZE, STORE_CALIBRATION, STORE_WIRING
from celltrail_protocol.wiring import LONGEST_WIRING
from celltrail_protocol.wiring import validate as check_wiring
from logger.hardware import SensorFault
from logger.request import octets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.area import Area
    from logger.hardware import Accelerometer, Board, ClockChip
    from logger.places import Places
    from logger.trip import Trip

    Map = dict[str, Any]

LONGEST_CALIBRATION = 480
# An ADXL372 settles for 16 ms, and gives a sample each 1.25 ms.
_SETTLE_MS = 60
_LOUD_mg = 200000
_GOOD = 0


def _wiring(request: "Map") -> "tuple[int, bytes]":
    """(kind, payload) of the store's record of a wiring; raises ProtocolError."""
    data = octets(request, "wiring", 1, LONGEST_WIRING)
    check_wiring(cbor.loads(data))
    return STORE_WIRING, data


def _calibration(request: "Map") -> "tuple[int, bytes]":
    """The same for calibrations: CBOR of version 1, which only hosts read on; nothing for none."""
    data = octets(request, "cal", 0, LONGEST_CALIBRATION)
    if data:
        told = cbor.loads(data)
        if not isinstance(told, dict) or told.get("v") != 1:
            raise ProtocolError("calibration: not a map of version 1")
    return STORE_CALIBRATION, data


class SelfTest:
    """`told` is the answer; `failed` has a bit for each part that failed (codes.TEST_*)."""

    def __init__(self, board: "Board", trip: "Trip", radio_on: "bool | None") -> None:
        self._board = board
        self._probes = trip.probes
        self.failed = 0
        self._probes.start()
        self.told: "Map" = {
            "probes": [self._probe(channel) for channel in range(self._probes.count)],
            "flash": _flash(trip.area, trip.ring.places),
            "battery": board.battery_mV(),
        }
        if board.accelerometer is not None:
            self.told["accel"] = self._accelerometer(board.accelerometer)
        if board.rtc is not None:
            self.told["clock"] = self._clock(board.rtc)
        if radio_on is not None:
            self.told["radio"] = radio_on
        if self.told["flash"]:
            self.failed |= codes.TEST_FLASH
        if radio_on is False:
            self.failed |= codes.TEST_RADIO
        if 0 < self.told["battery"] < codes.BATTERY_LOW_mV:
            self.failed |= codes.TEST_BATTERY
        self.told["failed"] = self.failed

    def _probe(self, channel: int) -> "list[Any]":
        """[fault code or 0, raw]."""
        try:
            return [_GOOD, self._probes.take(channel)]
        except SensorFault as fault:
            self.failed |= 1 << channel
            return [fault.code, None]

    def _accelerometer(self, chip: "Accelerometer") -> "list[int]":
        """[fault code or 0, x, y, z of the newest sample]."""
        board = self._board
        samples = array("h", [0] * (3 * chip.depth))
        try:
            chip.start(_LOUD_mg)
            until_ms = board.ticks_ms() + _SETTLE_MS
            while board.ticks_ms() < until_ms:
                board.wait(until_ms)
            sets = chip.read_fifo(samples, chip.depth)
            chip.stop()
            if not sets:
                raise SensorFault(codes.FAULT_NOT_READY)
        except SensorFault as fault:
            self.failed |= codes.TEST_ACCELEROMETER
            return [fault.code]
        return [_GOOD] + list(samples[3 * sets - 3 : 3 * sets])

    def _clock(self, chip: "ClockChip") -> "list[int]":
        """[fault code or 0, UTC in s, tick of then]."""
        try:
            return [_GOOD, chip.read()[0], self._board.ticks_ms()]
        except SensorFault as fault:
            self.failed |= codes.TEST_CLOCK
            return [fault.code]


def _flash(area: "Area", places: "Places") -> int:
    """Erase a sector that holds nothing, program three patterns, erase it again; the fault code or 0."""
    position = places.spare()
    if position < 0:
        return codes.FAULT_FULL
    sector = RING_FIRST + position
    addr = sector * SECTOR_SIZE
    if not area.clean(sector):
        return codes.FAULT_FLASH_ERASE
    good = True
    for page, value in ((1, 0x55), (2, 0xAA), (3, 0x00)):
        good = area.write(addr + page * PAGE_SIZE, bytes([value] * PAGE_SIZE)) and good
    if not area.clean(sector):
        return codes.FAULT_FLASH_ERASE
    return _GOOD if good else codes.FAULT_FLASH_PROGRAM


def run(
    board: "Board", trip: "Trip", radio_on: "bool | None", command: int, request: "Map"
) -> "tuple[Map, int, int, bytes]":
    """Carry out one of these commands: its answer, its detail in the log, and what to keep in the store.

    (kind, payload) for the store; kind 0: nothing. Raises ProtocolError, and Refused.
    """
    if command == smp.CMD_TEST:
        test = SelfTest(board, trip, radio_on)
        return test.told, test.failed, 0, b""
    kind, data = _wiring(request) if command == smp.CMD_WIRE else _calibration(request)
    return {}, 0, kind, data
