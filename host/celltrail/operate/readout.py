"""Reading one trip over a session: the sealed sectors, and a running trip's open end with a live proof."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from smpclient.requests.file_management import FileHashChecksum, FileStatus

from celltrail.errors import DeviceFault, ErrorAnswer, RefusedFault
from celltrail.link.messages import Live, LiveRead
from celltrail.link.refusals import FS_READ_FAILED
from celltrail.link.session import RUNNING, Session
from celltrail.operate.fetch import Fetcher
from celltrail.operate.part_file import PartFile
from celltrail.operate.pieces import Span
from celltrail_protocol import seals, smp
from celltrail_protocol.records import SECTOR_SIZE

_ATTEMPTS = 20
_DOUBTS = 2
# For some seconds after a restart there is no open sector to be proven.
TOO_SOON_PAUSE_S = 1.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class OpenEnd:
    """What a running trip has not sealed yet, and the proof that the logger holds just this."""

    data: bytes
    pending: bytes
    nonce: bytes
    live: Live

    def is_proven(self, k0: bytes) -> bool:
        """Whether the proof is good under the trip's K(0)."""
        key = k0
        for _ in range(self.live.epoch):
            key = seals.next_key(key)
        live = self.live
        expected = seals.live_mac(
            key, self.nonce, live.trip, live.epoch, live.index, live.used, self.data, self.pending
        )
        return seals.same(expected, live.mac)


async def read_open_end(session: Session, fetch: Fetcher, trip: int) -> OpenEnd | None:
    """None when the record moved on meanwhile: a sector was sealed, readings were packed, the trip ended."""
    nonce = secrets.token_bytes(seals.NONCE_SIZE)
    name = f"/trip/{trip}"
    try:
        live = await session.client.ask(LiveRead(nonce=nonce))
        if live.trip != trip or live.index != session.status.sectors - 1:
            return None
        start = live.index * SECTOR_SIZE
        data = await fetch.read(name, start, start + live.used)
        pending = await fetch.read(f"{name}/pending", 0, live.pending)
    except ErrorAnswer as refused:
        if (refused.group, refused.code) == (smp.GROUP_CELLTRAIL, smp.ERR_TOO_SOON):
            await asyncio.sleep(TOO_SOON_PAUSE_S)
        return None
    return OpenEnd(data, pending, nonce, live)


class Readout:
    """One trip of one session; `progress` is told the bytes that are here and that there will be."""

    def __init__(self, session: Session, trip: int, part: PartFile, progress: Progress) -> None:
        self._session = session
        self._trip = trip
        self._part = part
        self._progress = progress
        self._fetch = Fetcher(session.client, session.status.chunk)
        self._name = f"/trip/{trip}"
        self._read_bytes = 0
        self._end = 0
        self._unreadable: set[int] = set()

    @property
    def read_bytes(self) -> int:
        """Bytes that came over this link."""
        return self._read_bytes

    @property
    def lost(self) -> list[tuple[int, int]]:
        """The sealed sectors [first, end) that the logger did not have any more when they were asked for."""
        return _runs([index for index in range(self._end) if index not in self._part.sectors])

    async def check_part(self) -> None:
        """Refuse what was kept of another trip: a logger that was wiped counts its trips from 1 again."""
        for offset, data in self._part.probes(*await self._sealed()):
            request = FileHashChecksum(name=self._name, type="sha256", off=offset, len=len(data))
            try:
                answer = await self._session.client.ask(request)
            except ErrorAnswer as refused:
                if _is_unreadable(refused):
                    continue
                raise
            if answer.output != sha256(data).digest():
                raise RefusedFault(
                    f"{self._part.path} does not match the trip on {self._session.status.called}; move it away"
                )

    async def run(self, candidates: Sequence[bytes]) -> OpenEnd | None:
        """Fill the part file with all sealed sectors; the open end of a running trip, None of a stopped one.

        The record may move on while it is read. `candidates` are the keys that may be K(0): an end that none
        of them proves is read again before it is believed to be bad.
        """
        doubts = 0
        for _ in range(_ATTEMPTS):
            first, stop = await self._sealed()
            await self._fill(first, stop)
            if (await self._sealed())[1] > stop:
                # It was found to have moved on.
                continue
            if not self._is_running():
                return None
            end = await read_open_end(self._session, self._fetch, self._trip)
            if end is not None:
                self._read_bytes += len(end.data) + len(end.pending)
                if not candidates or doubts == _DOUBTS or any(map(end.is_proven, candidates)):
                    return end
                doubts += 1
            await self._refresh()
        raise DeviceFault(
            f"{self._session.status.called} writes faster than this link reads; stop it, or try again later"
        )

    def _is_running(self) -> bool:
        status = self._session.status
        return self._is_latest() and status.state in RUNNING

    async def _sealed(self) -> tuple[int, int]:
        """The indices from the first that is still there up to, and without, the first that is not sealed."""
        status = self._session.status
        if self._is_latest():
            return status.first, status.sectors - (1 if self._is_running() else 0)
        answer = await self._session.client.ask(FileStatus(name=self._name))
        return 0, answer.len // SECTOR_SIZE

    async def _fill(self, first: int, end: int) -> None:
        """All that is not here yet of the sealed sectors `first` to `end` - 1.

        What the ring has overwritten meanwhile, and what the logger can't read, is left out.
        """
        self._end = end
        while True:
            spans = self._lacking(first, end)
            total = self._part.size + sum(stop - start for start, stop in spans)
            self._progress(self._part.size, total)
            try:
                await self._stream(spans, total)
                return
            except ErrorAnswer as refused:
                if not _is_unreadable(refused):
                    raise
                failed = self._lacking(first, end)[0][0] // SECTOR_SIZE
                await self._refresh()
                first = max(first, self._session.status.first if self._is_latest() else 0)
                if first <= failed:
                    self._unreadable.add(failed)

    def _lacking(self, first: int, end: int) -> list[Span]:
        readable = [index for index in range(first, end) if index not in self._unreadable]
        runs = [(start * SECTOR_SIZE, stop * SECTOR_SIZE) for start, stop in _runs(readable)]
        return [span for run in runs for span in self._part.lacking(*run)]

    def _is_latest(self) -> bool:
        return self._session.status.trip == self._trip

    async def _refresh(self) -> None:
        self._fetch.restart()
        await self._session.refresh()

    async def _stream(self, spans: Sequence[Span], total: int) -> None:
        async with contextlib.aclosing(self._fetch.stream(self._name, spans)) as pieces:
            async for offset, data in pieces:
                self._read_bytes += len(data)
                self._part.keep(offset, data)
                self._progress(self._part.size, total)


def _is_unreadable(refused: ErrorAnswer) -> bool:
    """Whether the ring has overwritten what was asked for, or the flash does not give it."""
    return (refused.group, refused.code) == (smp.GROUP_FS, FS_READ_FAILED)


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours joined: [0, 1, 2, 5] -> [(0, 3), (5, 6)]."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs
