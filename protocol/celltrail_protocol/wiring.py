"""What a logger is wired to: pins and fitted sensors, as one map that a store record holds (SPEC.md section 6.1)."""

from celltrail_protocol import codes
from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Wiring = dict[str, Any]

LONGEST_WIRING = 240
MOST_PROBES = 4
_MOST_PIN = 48
_PIN = (0, _MOST_PIN)
_ADDRESS = (0x08, 0x77)
# Each key's numbers and their bounds.
_LISTS = {
    "i2c": (_PIN, _PIN, (10, 400)),
    "spi": (_PIN, _PIN, _PIN),
    "onewire": (_PIN,),
    "button": (_PIN,),
    "led": (_PIN, (0, 1)),
    "battery": (_PIN, (1000, 20000)),
    "cable": (_PIN,),
    "barometer": ((codes.MODEL_BMP390, codes.MODEL_BMP390), _ADDRESS),
    "clock": (_ADDRESS,),
    "deep": ((60, 3600),),
}
_ACCELEROMETERS = (codes.MODEL_ADXL372, codes.MODEL_ADXL345)
# What follows a thermometer's model. A DS18B20 may also have its 8 bytes of ROM code.
_PROBES = {
    codes.MODEL_TMP117: (_ADDRESS,),
    codes.MODEL_MAX31865: (_PIN, (2, 4), (10, 2000), (10, 20000)),
    codes.MODEL_DS18B20: (),
}
_ROM_SIZE = 8


def _refuse(what: str) -> ProtocolError:
    return ProtocolError("wiring: " + what)


def _check_list(where: str, value: "Any", bounds: "tuple[tuple[int, int], ...]") -> None:
    if not isinstance(value, (list, tuple)) or len(value) != len(bounds):
        raise _refuse("%s needs %d numbers" % (where, len(bounds)))
    for i in range(len(bounds)):
        number, (low, high) = value[i], bounds[i]
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise _refuse("%s is %s where a number from %d to %d has to be" % (where, number, low, high))


def _check_probe(probe: "Any") -> None:
    if not isinstance(probe, (list, tuple)) or not probe or not isinstance(probe[0], int) or probe[0] not in _PROBES:
        raise _refuse("a probe starts with the number of a thermometer's model")
    place = probe[1:]
    if probe[0] == codes.MODEL_DS18B20 and len(place) == 1 and isinstance(place[0], bytes):
        if len(place[0]) != _ROM_SIZE:
            raise _refuse("a ROM code has %d bytes" % _ROM_SIZE)
        return
    _check_list("probe", place, _PROBES[probe[0]])


def validate(wiring: "Wiring") -> None:
    """Check a map against section 6.1; raises ProtocolError. Whether its pins are there the board finds out."""
    if not isinstance(wiring, dict) or wiring.get("v") != 1 or wiring["v"] is True:
        raise _refuse("not a map of version 1")
    for key in wiring:
        if key in _LISTS:
            _check_list(key, wiring[key], _LISTS[key])
        elif key not in ("v", "probes", "accel"):
            raise _refuse("unknown key " + str(key))
    probes = wiring.get("probes")
    if not isinstance(probes, (list, tuple)) or not 1 <= len(probes) <= MOST_PROBES:
        raise _refuse("1 to %d probes are needed" % MOST_PROBES)
    if "barometer" in wiring and len(probes) == MOST_PROBES:
        raise _refuse("with a barometer there is room for %d probes" % (MOST_PROBES - 1))
    if "deep" in wiring and not ("clock" in wiring and "button" in wiring):
        raise _refuse("deep sleep needs a clock chip, and a button to end it")
    for probe in probes:
        _check_probe(probe)
    if "accel" in wiring:
        _check_list("accel", wiring["accel"], ((_ACCELEROMETERS[0], _ACCELEROMETERS[-1]), _ADDRESS, _PIN))
