"""What a logger answers, and what an interrupted download leaves, as targets."""

import asyncio
from unittest import mock

import cbor2
from forge import UID, five_days
from host_bench import FOLDER, check_printable, declared, file_of, own_keys
from smpclient.transport import SMPTransport

from celltrail.errors import CelltrailError, LinkLost
from celltrail.link.address import parse_address
from celltrail.link.client import Client
from celltrail.operate import download
from celltrail.operate.part_file import PartFile
from celltrail_protocol import smp


class _Hostile(SMPTransport):
    """A logger that answers each request with the next of the given bodies, and then hangs up."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies
        self._answers: list[bytes] = []

    async def connect(self, address: str, timeout_s: float) -> None: ...

    async def disconnect(self) -> None: ...

    async def send(self, data: bytes) -> None:
        op, version, _, _, group, sequence, command = smp.parse_header(data)
        if self._bodies:
            body = self._bodies.pop(0)
            self._answers.append(smp.pack_header(op + 1, version, group, sequence, command, len(body)) + body)

    async def receive(self) -> bytes:
        if not self._answers:
            raise LinkLost("link lost: no more answers")
        return self._answers.pop(0)

    async def send_and_receive(self, data: bytes) -> bytes:
        raise NotImplementedError

    @property
    def mtu(self) -> int:
        return 1200


def client(data: bytes) -> None:
    """[length u16][answer's body] ...: a whole download from a logger that answers so."""
    bodies = []
    at = 0
    while at + 2 <= len(data):
        size = data[at] | data[at + 1] << 8
        bodies.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    lines: list[str] = []

    async def connected(address: object) -> Client:
        return Client(_Hostile(bodies), "x")

    class Reporter:
        def say(self, text: str) -> None:
            lines.append(text)

        def progress(self, have: int, total: int) -> None: ...

    wish = download.Wish(FOLDER, FOLDER / "fetched.trail", force=True)
    with (
        mock.patch("celltrail.link.session.connect", connected),
        mock.patch.object(download, "PAUSES_S", ()),
        declared(),
    ):
        try:
            asyncio.run(download.Download(parse_address("tcp://127.0.0.1:1"), wish, own_keys(), Reporter()).run())
        except CelltrailError as fault:
            lines.append(str(fault))
            raise
        finally:
            check_printable(lines)
            for left in FOLDER.glob("fetched.trail*"):
                left.unlink()


def part_file(data: bytes) -> None:
    """An unfinished read-out: what does not check is left out, and the file can be gone on with."""
    path = file_of("x.trail.part", data)
    with declared(), PartFile(path, UID, 3) as part:
        kept = dict(part.sectors)
        assert all(len(sector) == 4096 for sector in kept.values())
        part.keep(7, bytes(4096))
        with PartFile(path, UID, 3) as again:
            assert again.sectors == {**kept, 7: bytes(4096)}
    for left in FOLDER.glob("x.trail.part*"):
        left.unlink()


# Seeds


def part_seeds() -> list[bytes]:
    path = FOLDER / "seed.part"
    with PartFile(path, UID, 3) as part:
        part.keep(0, bytes(4096))
        part.keep(2, b"\xff" * 4096)
    data = path.read_bytes()
    part.discard()
    return [data, data[:5000], b"CTPART1\n"]


def client_seeds() -> list[bytes]:
    """The answers of an honest logger with one sealed sector and an open one."""
    forge = five_days(close=False)
    opened = bytes(forge.sector[: forge.last_end])
    sectors = len(forge.sealed) + 1
    status = {
        "state": 2,
        "reason": 1,
        "trip": 3,
        "boot": 1,
        "tick": 5,
        "name": "CT-1",
        "uid": UID,
        "keyed": True,
        "unread": True,
        "alarms": 0,
        "battery": 3700,
        "clock": True,
        "period": 60000,
        "slot": 5,
        "sectors": sectors,
        "first": 0,
        "used": len(opened),
        "free": 5,
        "chunk": 1024,
        "fw": "1",
        "format": 1,
        "models": [1],
        "steps": [7812500],
        "low": [-7040],
        "high": [19200],
        "accel": 16,
        "last": [640],
    }
    pair = {"dn": bytes(16), "tick": 6, "boot": 1}
    live = {"trip": 3, "epoch": 0, "index": sectors - 1, "used": 10, "pending": 0, "tick": 7, "mac": bytes(32)}
    refused = {"err": {"group": 64, "rc": 3}}
    one = status | {"sectors": 1, "used": 10}
    open_part = {"off": 0, "data": opened[:1024], "len": 4096}
    stopped = status | {"state": 3, "sectors": 1, "used": 4096}
    pieces = [{"off": at, "data": forge.sealed[0][at : at + 1024], "len": 4096} for at in range(0, 4096, 1024)]
    runs = (
        (status, pair, live, refused),
        (one, pair, live | {"index": 0}, open_part, pair, one, pair),
        (stopped, pair, *pieces, pair, stopped),
        (status | {"name": "\x1b[31mx"}, pair),
        (status | {"format": 2},),
        ({"err": {"group": "\x1b", "rc": 1}},),
    )
    return [b"".join(_framed(cbor2.dumps(body)) for body in run) for run in runs]


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(2, "little") + body
