"""SMP's OS and statistics groups, as far as they only read (SPEC.md section 9.1)."""

from binascii import hexlify

from celltrail_protocol import smp
from logger.refused import Refused
from logger.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.area import Area
    from logger.commands import Commands
    from logger.console_link import ConsoleLink
    from logger.hardware import Board
    from logger.trip import Trip
    from logger.wireless import Wireless

_CLOCK_NOT_SET = 4
_NO_SUCH_GROUP = 2
_BUFFERS = 8
_DAY_MS = 86400000


def iso_time(utc_ms: int) -> str:
    """UTC as SMP writes it: 2026-11-22T05:14:00.000 (days to date: Hinnant's civil_from_days)."""
    days, ms = divmod(utc_ms, _DAY_MS)
    era, day = divmod(days + 719468, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    of_year = day - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year = year + era * 400 + (month <= 2)
    seconds, ms = divmod(ms, 1000)
    clock = (seconds // 3600, seconds // 60 % 60, seconds % 60, ms)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03d" % ((year, month, day) + clock)


class Standard:
    """Answers that tell of the logger and change nothing."""

    def __init__(self, board: "Board", area: "Area", trip: "Trip", link: "ConsoleLink", commands: "Commands") -> None:
        self._board = board
        self._area = area
        self._trip = trip
        self._link = link
        self._commands = commands
        self.wireless: "Wireless | None" = None

    def echo(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """OS_ECHO: {d} -> {r}."""
        text = request.get("d")
        if not isinstance(text, str):
            raise Refused(smp.MGMT_BAD_VALUE, smp.MGMT_BAD_VALUE)
        return {"r": text}

    def datetime(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """OS_DATETIME: the clock, when a host has set it in this boot."""
        if self._trip.clock is None:
            raise Refused(_CLOCK_NOT_SET, smp.MGMT_BAD_STATE)
        tick_ms, utc_ms = self._trip.clock
        return {"datetime": iso_time(utc_ms + self._board.ticks_ms() - tick_ms)}

    def refuse(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """Commands that carry no proof change nothing."""
        raise Refused(smp.MGMT_DENIED, smp.MGMT_DENIED)

    def parameters(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """OS_PARAMETERS: what a client may send at once."""
        return {"buf_size": smp.LONGEST_MESSAGE, "buf_count": _BUFFERS}

    def info(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """OS_INFO: name, version, firmware hash and board, whatever the format asks for."""
        told = (VERSION, hexlify(self._commands.image_hash()).decode(), self._board.name)
        return {"output": "Celltrail %s %s %s" % told}

    def _groups(self) -> "dict[str, dict[str, int]]":
        area, trip, link = self._area, self._trip, self._link
        groups = {
            "logger": {
                "state": trip.state.state,
                "boot": trip.state.boot,
                "slot": trip.schedule.slot,
                "pending": trip.recorder.journal.count,
                "shocks": trip.ring.events,
            },
            "flash": {"programs": area.programs, "erases": area.erases, "failed": area.failed},
            "link": {
                "messages": link.messages,
                "dropped": link.dropped(),
                "held": len(link.held),
                "wrong_proofs": self._commands.cable.prover.failures + self._commands.air.prover.failures,
            },
        }
        if self.wireless is not None:
            groups["radio"] = self._radio_group(self.wireless)
        return groups

    def _radio_group(self, wireless: "Wireless") -> "dict[str, int]":
        link = wireless.link
        return {
            "on": int(wireless.is_on),
            "connections": link.connections,
            "messages": link.messages,
            "dropped": link.dropped(),
            "held": link.held(),
        }

    def statistics(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """STAT_GROUP: {name} -> {name, fields}."""
        name = request.get("name")
        groups = self._groups()
        if not isinstance(name, str) or name not in groups:
            raise Refused(_NO_SUCH_GROUP, smp.MGMT_NO_ENTRY)
        return {"name": name, "fields": groups[name]}

    def statistics_list(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """STAT_LIST: the groups."""
        return {"stat_list": list(self._groups())}
