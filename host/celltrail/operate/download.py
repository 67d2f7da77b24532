"""From a logger to a verified `.trail` file: resumes, reconnects, and tells the logger what is safe."""

import asyncio
import contextlib
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from celltrail import __version__
from celltrail.errors import DeviceFault, ErrorAnswer, LinkLost, RefusedFault, UsageFault
from celltrail.evidence.noted import noted_pairs
from celltrail.evidence.trail import PART_SUFFIX, TrailParts
from celltrail.evidence.verdict import Verdict
from celltrail.files import sweep
from celltrail.keys.keystore import KeyStore
from celltrail.keys.read_outs import note_read_out
from celltrail.link.address import Address
from celltrail.link.messages import Status
from celltrail.link.refusals import FS_NOT_FOUND
from celltrail.link.session import ClockPair, Session, open_session
from celltrail.operate.commands import tell_time
from celltrail.operate.outcome import Outcome, Reporter, Wish
from celltrail.operate.part_file import PartFile
from celltrail.operate.pieces import Span
from celltrail.operate.readout import OpenEnd, Readout
from celltrail.operate.signing import signed_bytes
from celltrail.operate.written import Written, end_of, find_written, publish
from celltrail_protocol import smp

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)


class Download:
    """One trip of one logger, over as many connections as it takes."""

    def __init__(self, address: Address, wish: Wish, keys: KeyStore, reporter: Reporter) -> None:
        self._address = address
        self._wish = wish
        self._keys = keys
        self._reporter = reporter
        self._first: Status | None = None
        self._part: PartFile | None = None
        self._written: Written | None = None
        self._held = contextlib.ExitStack()
        self._pairs: list[ClockPair] = []
        self._reused = (0, 0)
        self._read_bytes = 0
        self._lost: tuple[Span, ...] = ()

    @property
    def kept(self) -> Path | None:
        """Where an interrupted read-out goes on from; None while nothing has been read."""
        return self._part.path if self._part is not None and self._part.size else None

    async def run(self) -> Outcome:
        """Raises LinkLost when the link fails again and again; what was read stays in the part file."""
        began_s = time.monotonic()
        with self._held:
            acknowledged = await self._insist()
            assert self._written is not None
            assert self._part is not None
            self._part.discard()
        return self._outcome(self._written, acknowledged, time.monotonic() - began_s)

    async def _insist(self) -> bool:
        """Connect until the read-out is written and told to the logger; whether the logger took that."""
        failures = 0
        while True:
            before = self._read_bytes
            try:
                async with open_session(self._address) as session:
                    return await self._session(session)
            except DeviceFault as fault:
                if self._first is None:
                    raise
                failures = 1 if self._read_bytes > before else failures + 1
                if failures > len(PAUSES_S) and self._written is not None:
                    self._reporter.say(f"{fault}; the logger goes on to report unread data")
                    return False
                await self._pause(failures, fault)

    async def _pause(self, failures: int, fault: DeviceFault) -> None:
        if failures > len(PAUSES_S):
            raise LinkLost(
                f"gave up after {len(PAUSES_S)} more tries ({fault}); the same command goes on from here"
            ) from fault
        pause_s = PAUSES_S[failures - 1]
        self._reporter.say(f"connecting again in {pause_s:g} s: {fault}")
        await asyncio.sleep(pause_s)

    async def _session(self, session: Session) -> bool:
        trip = self._choose(session)
        self._keys.require()
        if self._part is None:
            self._part = self._open_part(session, trip)
        if self._written is None:
            self._written = await self._read(session, trip, self._part)
        if not _is_all_there(self._written.verdict, session.status, trip):
            return False
        note_read_out(self._keys, session.uid, trip, self._written.path, self._written.verdict.word)
        return await self._acknowledge(session, trip, self._written)

    def _open_part(self, session: Session, trip: int) -> PartFile:
        """Held until the end, so that no other download writes it; refuses a target that is there already."""
        path = self._path(session, trip)
        beside = path.with_name(path.name + PART_SUFFIX)
        taken = path.exists() and not self._wish.force
        exists = UsageFault(f"{path} exists already; name another file with -o, or replace it with --force")
        if taken and not beside.exists():
            raise exists
        part = self._held.enter_context(PartFile(beside, session.uid, trip))
        sweep(path)
        if taken:
            self._written = find_written(path, part, self._keys)
            if self._written is None:
                raise exists
            self._reporter.say(f"{path} was complete already; only its end was not told to the logger")
        if part.set_aside is not None:
            self._reporter.say(f"{part.path} was not of this trip; it is {part.set_aside} now")
        self._reused = len(part.sectors), part.size
        self._pairs += [ClockPair(*row) for row in noted_pairs(part.note)]
        return part

    async def _read(self, session: Session, trip: int, part: PartFile) -> Written:
        await self._tell_time(session, trip)
        self._pairs.append(await session.pair())
        end = await self._fill(session, trip, part)
        self._pairs.append(await session.pair())
        return self._write(session, self._parts(session, trip, part, end), part)

    def _write(self, session: Session, parts: TrailParts, part: PartFile) -> Written:
        """Counter-signed as it is written: a signature that came later would make it another file."""
        path = self._path(session, parts.meta["trip"])
        data, unsigned = signed_bytes(path, parts, self._keys, self._wish.operator)
        if unsigned:
            self._reporter.say(unsigned)
        return publish(path, data, parts, end_of(parts, session.status), part, self._keys, self._wish.force)

    def _outcome(self, written: Written, acknowledged: bool, seconds: float) -> Outcome:
        assert self._first is not None
        assert self._wish.trip is not None
        return Outcome(
            path=written.path,
            uid=self._first.uid,
            name=self._first.name,
            trip=self._wish.trip,
            sectors=written.sectors,
            reused=self._reused[0],
            reused_bytes=self._reused[1],
            read_bytes=self._read_bytes,
            lost=self._lost,
            seconds=seconds,
            verdict=written.verdict,
            acknowledged=acknowledged,
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
        readout = Readout(session, trip, part, self._reporter.progress)
        part.take_note(self._meta(session.status, trip))
        try:
            await readout.check_part()
            end = await readout.run(self._keys.candidates(session.uid, trip))
        except ErrorAnswer as refused:
            raise await self._explain(refused, session, trip) from refused
        finally:
            self._read_bytes += readout.read_bytes
        self._lost = tuple(readout.lost)
        for first, stop in self._lost:
            which = f"sector {first} was" if stop == first + 1 else f"sectors {first} to {stop - 1} were"
            self._reporter.say(f"{which} overwritten by the logger, or can't be read from its flash; the rest is here")
        return end

    async def _explain(self, refused: ErrorAnswer, session: Session, trip: int) -> RefusedFault:
        """A trip that has gone while it was read deserves more words than the logger's answer."""
        if self.kept is None or (refused.group, refused.code) != (smp.GROUP_FS, FS_NOT_FOUND):
            return refused
        now = (await session.refresh()).trip
        how = f"trip {now} was begun" if now and now != trip else "it was erased"
        return RefusedFault(
            f"{session.status.called} has no trip {trip} any more, {how} meanwhile; what has been read stays in"
            f" {self.kept}, and `celltrail merge` makes a read-out of it"
        )

    def _meta(self, status: Status, trip: int) -> dict[str, Any]:
        assert self._first is not None
        return {
            "uid": status.uid,
            "name": status.name,
            "trip": trip,
            "host": f"celltrail {__version__}",
            "operator": self._wish.operator,
            "status": self._first.as_map(),
            "pairs": [pair.as_list() for pair in self._pairs],
        }

    def _parts(self, session: Session, trip: int, part: PartFile, end: OpenEnd | None) -> TrailParts:
        meta, runs = self._meta(session.status, trip), sorted(part.sectors.items())
        if end is None:
            return TrailParts(meta, runs)
        live = {"nonce": end.nonce} | end.live.as_map()
        return TrailParts(meta, runs, (end.live.index, end.data), end.pending or None, live)

    async def _acknowledge(self, session: Session, trip: int, written: Written) -> bool:
        """Tell the logger what a verified file holds, so that it is no longer unread."""
        key = self._keys.device_key(session.uid, session.status.kid)
        status = await session.refresh()
        if key is None and self._keys.device(session.uid) is not None:
            name = session.status.called
            self._reporter.say(f"{name} does not accept this device key; it goes on to report unread data")
        if key is None or status.trip != trip:
            return False
        body = {"op": self._wish.operator, "trip": trip, "index": written.index, "used": written.used}
        try:
            await session.prove(smp.CMD_ACKNOWLEDGE, body, key)
        except ErrorAnswer as refused:
            self._reporter.say(f"{refused}; the logger goes on to report unread data")
            return False
        return True


def _is_all_there(verdict: Verdict, status: Status, trip: int) -> bool:
    """Whether nothing more can be read: all is here, or all that the ring has not overwritten by plan."""
    return verdict.intact or (status.trip == trip and 0 < verdict.overwritten <= status.first)


def file_name(session: Session) -> str:
    """The logger's name as it can stand in a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", session.status.name).lstrip(".") or session.uid.hex()
