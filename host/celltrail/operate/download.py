"""From a logger to a verified `.trail` file: resumes, reconnects, and tells the logger what is safe."""

import asyncio
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from celltrail import __version__
from celltrail.errors import DeviceFault, ErrorAnswer, LinkLost, RefusedFault, UsageFault
from celltrail.evidence.trail import TrailParts
from celltrail.evidence.verdict import Verdict
from celltrail.evidence.verify import verify_file
from celltrail.keys.keystore import KeyStore
from celltrail.keys.read_outs import note_read_out
from celltrail.link.address import Address
from celltrail.link.messages import Status
from celltrail.link.session import ClockPair, Session, open_session
from celltrail.operate.commands import tell_time
from celltrail.operate.part_file import PartFile
from celltrail.operate.readout import OpenEnd, Readout
from celltrail.operate.signing import write_signed
from celltrail_protocol import smp

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)


class Reporter(Protocol):
    """Who tells the user how it goes."""

    def say(self, text: str) -> None:
        """One line about something unusual."""

    def progress(self, have: int, total: int) -> None:
        """Bytes of the trip that are here, and that there will be."""


@dataclass(frozen=True)
class Wish:
    """What to read, and where to; `path` None: <name>-<trip>.trail in `folder`; `trip` None: the latest."""

    folder: Path = Path()
    path: Path | None = None
    trip: int | None = None
    operator: str = ""
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """A finished download; `reused` sectors came from an interrupted one."""

    path: Path
    uid: bytes
    name: str
    trip: int
    sectors: int
    reused: int
    read_bytes: int
    seconds: float
    verdict: Verdict
    acknowledged: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "uid": self.uid.hex(),
            "name": self.name,
            "trip": self.trip,
            "sectors": self.sectors,
            "sectors_reused": self.reused,
            "read_bytes": self.read_bytes,
            "seconds": round(self.seconds, 3),
            "verdict": self.verdict.to_json(),
            "acknowledged": self.acknowledged,
        }


class Download:
    """One trip of one logger, over as many connections as it takes."""

    def __init__(self, address: Address, wish: Wish, keys: KeyStore, reporter: Reporter) -> None:
        self._address = address
        self._wish = wish
        self._keys = keys
        self._reporter = reporter
        self._first: Status | None = None
        self._pairs: list[ClockPair] = []
        self._reused = 0
        self._have = 0
        self._read_bytes = 0

    async def run(self) -> Outcome:
        """Raises LinkLost when the link fails again and again; what was read stays in the part file."""
        began_s = time.monotonic()
        failures = 0
        while True:
            before = self._have
            try:
                async with open_session(self._address) as session:
                    return await self._session(session, began_s)
            except DeviceFault as fault:
                if self._first is None:
                    raise
                failures = 1 if self._have > before else failures + 1
                await self._pause(failures, fault)

    async def _pause(self, failures: int, fault: DeviceFault) -> None:
        if failures > len(PAUSES_S):
            raise LinkLost(
                f"gave up after {len(PAUSES_S)} more tries ({fault}); the same command goes on from here"
            ) from fault
        pause_s = PAUSES_S[failures - 1]
        self._reporter.say(f"connecting again in {pause_s:g} s: {fault}")
        await asyncio.sleep(pause_s)

    async def _session(self, session: Session, began_s: float) -> Outcome:
        trip = self._choose(session)
        self._keys.require()
        path = self._path(session, trip)
        await self._tell_time(session, trip)
        self._pairs.append(await session.pair())
        with PartFile(path.with_name(path.name + ".part"), session.uid, trip) as part:
            if part.set_aside is not None:
                self._reporter.say(f"{part.path} was not of this trip; it is {part.set_aside} now")
            end = await self._fill(session, trip, part)
            self._pairs.append(await session.pair())
            parts = self._parts(session, trip, part, end)
            unsigned = write_signed(path, parts, self._keys, self._wish.operator, replace=self._wish.force)
            part.discard()
        if unsigned:
            self._reporter.say(unsigned)
        verdict = verify_file(path, self._keys)
        if verdict.intact:
            note_read_out(self._keys, session.uid, trip, path, verdict.word)
        return Outcome(
            path=path,
            uid=session.uid,
            name=session.status.name,
            trip=trip,
            sectors=len(part.sectors) + (end is not None),
            reused=self._reused,
            read_bytes=self._read_bytes,
            seconds=time.monotonic() - began_s,
            verdict=verdict,
            acknowledged=verdict.intact and await self._acknowledge(session, trip, end),
        )

    def _choose(self, session: Session) -> int:
        """The trip to read; the first session's choice holds for all that follow."""
        status = session.status
        if self._first is None:
            trip = status.trip if self._wish.trip is None else self._wish.trip
            if trip == status.trip and not status.sectors:
                raise RefusedFault(f"{status.called} has no trip to read; `celltrail arm` begins one")
            self._first = status
            self._wish = replace(self._wish, trip=trip)
        if status.uid != self._first.uid:
            raise RefusedFault(f"{self._address} is another logger now ({status.called}); plug the first one in again")
        assert self._wish.trip is not None
        return self._wish.trip

    def _path(self, session: Session, trip: int) -> Path:
        path = self._wish.path or self._wish.folder / f"{file_name(session)}-{trip}.trail"
        if path.is_dir():
            raise UsageFault(f"{path} is a folder; name a file in it with -o")
        if path.exists() and not self._wish.force:
            raise UsageFault(f"{path} exists already; name another file with -o, or replace it with --force")
        return path

    async def _tell_time(self, session: Session, trip: int) -> None:
        """Before the read-out, so that it is part of it."""
        key = self._keys.device_key(session.uid, session.status.kid)
        if key is None or session.status.trip != trip:
            return
        try:
            await tell_time(session, key, self._wish.operator)
        except ErrorAnswer as refused:
            self._reporter.say(f"{refused}; the record gets no clock for this boot")

    async def _fill(self, session: Session, trip: int, part: PartFile) -> OpenEnd | None:
        readout = Readout(session, trip, part, self._progress)
        try:
            if part.sectors:
                await readout.check_part()
                self._reused = self._reused or len(part.sectors)
            return await readout.run(self._keys.candidates(session.uid, trip))
        finally:
            self._read_bytes += readout.read_bytes

    def _progress(self, have: int, total: int) -> None:
        self._have = have
        self._reporter.progress(have, total)

    def _parts(self, session: Session, trip: int, part: PartFile, end: OpenEnd | None) -> TrailParts:
        assert self._first is not None
        meta = {
            "uid": session.uid,
            "name": session.status.name,
            "trip": trip,
            "host": f"celltrail {__version__}",
            "operator": self._wish.operator,
            "status": self._first.as_map(),
            "pairs": [pair.as_list() for pair in self._pairs],
        }
        runs = sorted(part.sectors.items())
        if end is None:
            return TrailParts(meta, runs)
        live = {"nonce": end.nonce} | end.live.as_map()
        return TrailParts(meta, runs, (end.live.index, end.data), end.pending or None, live)

    async def _acknowledge(self, session: Session, trip: int, end: OpenEnd | None) -> bool:
        """Tell the logger what a verified file holds, so that it is no longer unread."""
        key = self._keys.device_key(session.uid, session.status.kid)
        status = await session.refresh()
        if key is None and self._keys.device(session.uid) is not None:
            name = session.status.called
            self._reporter.say(f"{name} does not accept this device key; it goes on to report unread data")
        if key is None or status.trip != trip:
            return False
        index, used = (status.sectors - 1, status.used) if end is None else (end.live.index, end.live.used)
        try:
            body = {"op": self._wish.operator, "trip": trip, "index": index, "used": used}
            await session.prove(smp.CMD_ACKNOWLEDGE, body, key)
        except ErrorAnswer as refused:
            self._reporter.say(f"{refused}; the logger goes on to report unread data")
            return False
        return True


def file_name(session: Session) -> str:
    """The logger's name as it can stand in a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", session.status.name).lstrip(".") or session.uid.hex()
