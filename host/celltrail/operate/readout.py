"""Reading one trip over a session: the sealed sectors, and a running trip's open end with a live proof."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from smpclient.requests.file_management import FileHashChecksum, FileStatus

from celltrail.errors import DeviceFault, ErrorAnswer, RefusedFault
from celltrail.link.messages import Live, LiveRead, Status
from celltrail.link.session import Session
from celltrail.operate.fetch import Fetcher
from celltrail.operate.part_file import PartFile
from celltrail_protocol import codes, seals
from celltrail_protocol.records import SECTOR_SIZE

_RUNNING = (codes.STATE_ARMED, codes.STATE_LOGGING)
_ATTEMPTS = 20
_DOUBTS = 2

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
    except ErrorAnswer:
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

    @property
    def read_bytes(self) -> int:
        """Bytes that came over this link."""
        return self._read_bytes

    async def check_part(self) -> None:
        """Refuse kept sectors of another trip: a logger that was wiped counts its trips from 1 again."""
        first, last = await self._sealed()
        known = [index for index in self._part.sectors if first <= index < last]
        if not known:
            return
        index = max(known)
        request = FileHashChecksum(name=self._name, type="sha256", off=index * SECTOR_SIZE, len=SECTOR_SIZE)
        answer = await self._session.client.ask(request)
        if answer.output != sha256(self._part.sectors[index]).digest():
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
            await self._fill(*await self._sealed())
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
        return status.trip == self._trip and status.state in _RUNNING

    async def _sealed(self) -> tuple[int, int]:
        """The indices from the first that is still there up to, and without, the first that is not sealed."""
        status = self._session.status
        if status.trip == self._trip:
            return status.first, status.sectors - (1 if self._is_running() else 0)
        answer = await self._session.client.ask(FileStatus(name=self._name))
        return 0, answer.len // SECTOR_SIZE

    async def _fill(self, first: int, end: int) -> None:
        wanted = [index for index in range(first, end) if index not in self._part.sectors]
        have = len(self._part.sectors) * SECTOR_SIZE
        total = have + len(wanted) * SECTOR_SIZE
        self._progress(have, total)
        for start, stop in _runs(wanted):
            await self._fill_run(start, stop, total)

    async def _fill_run(self, start: int, stop: int, total: int) -> None:
        """Sectors `start` to `stop` without gap; what the ring overwrites meanwhile is left out."""
        while start < stop:
            try:
                await self._stream(start, stop, total)
                return
            except ErrorAnswer:
                missing = next(index for index in range(start, stop) if index not in self._part.sectors)
                start = await self._next_present(missing)
                if start <= missing:
                    raise

    async def _next_present(self, missing: int) -> int:
        """The first sector after a missing one that may be there; `missing` itself or less: it should be."""
        status = await self._refresh()
        return status.first if status.trip == self._trip else missing + 1

    async def _refresh(self) -> Status:
        self._fetch.restart()
        return await self._session.refresh()

    async def _stream(self, index: int, stop: int, total: int) -> None:
        sector = bytearray()
        async for data in self._fetch.stream(self._name, index * SECTOR_SIZE, stop * SECTOR_SIZE):
            self._read_bytes += len(data)
            sector += data
            while len(sector) >= SECTOR_SIZE:
                self._part.keep(index, bytes(sector[:SECTOR_SIZE]))
                del sector[:SECTOR_SIZE]
                index += 1
            self._progress(len(self._part.sectors) * SECTOR_SIZE + len(sector), total)


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours joined: [0, 1, 2, 5] -> [(0, 3), (5, 6)]."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs
