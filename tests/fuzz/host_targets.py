"""The host's parsers as targets: bytes in; only declared errors are swallowed, all else is a finding."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import cbor2
import numpy as np
from forge import K0, START_UTC_MS, UID, Forge, box_series, five_days
from smpclient.transport import SMPTransport
from trail_builder import BUILDER_SEEDS, build_trail

from celltrail.errors import CelltrailError, LinkLost
from celltrail.evidence.series_numpy import decode_many
from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.evidence.verify import Checked, check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import load_receipt
from celltrail.link.address import parse_address
from celltrail.link.client import Client
from celltrail.operate import download
from celltrail.operate.part_file import PartFile
from celltrail.plans.plan_text import describe
from celltrail.plans.planning import to_plan
from celltrail.plans.profile import load_profile, parse_profile
from celltrail.plans.sensor import Fitted, Sensor
from celltrail.views import export_csv, export_json, export_parquet, table
from celltrail.views.plot_terminal import plot_lines
from celltrail.views.show_text import summary_lines, wrapped
from celltrail.views.summary import summarize, to_json
from celltrail.views.svg import write_svg
from celltrail.views.verdict_text import verdict_lines
from celltrail.virtual.replay import read_readings, read_shock
from celltrail_protocol import cbor, series, smp
from celltrail_protocol.layout import ProtocolError

_SHM = Path("/dev/shm")
FOLDER = Path(tempfile.mkdtemp(prefix="celltrail-fuzz-", dir=_SHM if os.access(_SHM, os.W_OK) else None))
# Cells that a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "@", "\t", "\r")
_FITTED = Fitted((Sensor(1, 7_812_500, -7040, 19200, 100), Sensor(1, 7_812_500, -7040, 19200, 100)), 16)


@contextmanager
def declared() -> Iterator[None]:
    """A file may be refused, in one line; nothing else may happen."""
    try:
        yield
    except CelltrailError as fault:
        assert str(fault)


def _keys() -> KeyStore:
    """A key store with the key of the pens' trip, and one that was never confirmed."""
    store = KeyStore(FOLDER / "keys")
    if not store.folder.exists():
        store.save_trip(UID, 3, K0)
        store.save_pending(UID, bytes(32))
    return store


def check_printable(lines: list[str]) -> None:
    """Nothing that reaches a terminal may steer it."""
    for line in lines:
        assert line.isprintable(), repr(line)


# The bounds themselves are tests of their own; here they would only cost time.
table.MOST_LACKING = 20_000


def trail(data: bytes) -> None:
    """A `.trail` file: verify, show, and export it every way."""
    with declared():
        checked = check_trail(parse_trail(data, FOLDER / "x.trail"), _keys())
        look_at(checked)


def built_trail(data: bytes) -> None:
    """As `trail`, with the checks of sections, headers and frames made right, so that what they hold is reached."""
    trail(build_trail(data))


def look_at(checked: Checked) -> None:
    """Everything that the commands show or write of a file."""
    json.dumps(checked.verdict.to_json(), allow_nan=False)
    check_printable(verdict_lines(checked.verdict))
    summary = summarize(checked)
    json.dumps(to_json(summary), default=str, allow_nan=False)
    check_printable(wrapped(summary_lines(summary, 1000), 80))
    check_printable(plot_lines(summary, 80, colors=False, is_ascii=True))
    with declared():
        write_svg(summary, FOLDER / "x.svg")
    with declared():
        export_csv.write_readings(checked, FOLDER / "readings.csv")
        export_csv.write_shocks(checked, FOLDER / "shocks.csv")
        _check_cells(FOLDER / "shocks.csv")
    with declared():
        export_parquet.write_readings(checked, FOLDER / "r.parquet")
        export_parquet.write_shocks(checked, FOLDER / "s.parquet")
    with declared():
        export_json.write_record(checked, FOLDER / "x.json")


def _check_cells(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines()[:1000]:
        assert not any(cell.startswith(_FORMULA) for cell in line.split(",")), line


def cbor_pair(data: bytes) -> None:
    """What our codec takes, cbor2 takes with the same value; what cbor2 alone takes is outside of SPEC.md 9.1."""
    try:
        ours = cbor.loads(data)
    except ProtocolError:
        try:
            theirs = cbor2.loads(data)
        except Exception:  # noqa: BLE001  cbor2's errors are not ours
            return
        assert not _in_subset(theirs, 0) or _has_oddity(data, theirs), (data, theirs)
        return
    assert _equal(ours, cbor2.loads(data))


def _equal(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def _in_subset(value: object, depth: int) -> bool:
    if value is None or isinstance(value, (bool, bytes, str)):
        return True
    if isinstance(value, int):
        return -(1 << 64) <= value < 1 << 64
    if isinstance(value, list):
        return depth < 8 and all(_in_subset(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return depth < 8 and all(isinstance(key, str) and _in_subset(one, depth + 1) for key, one in value.items())
    return False


def _has_oddity(data: bytes, value: object) -> bool:
    """What the value alone does not show: bytes after it, a key twice, a tag, too many items."""
    return _count(value) > cbor.MOST_ITEMS or cbor2.dumps(value) != data and not _is_plain(data)


def _is_plain(data: bytes) -> bool:
    """Whether a second, slow reading finds one item without tags, floats, double keys and trailing bytes."""
    import io

    tagged: list[object] = []
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(stream, tag_hook=lambda _, tag: tagged.append(tag))
    try:
        value = decoder.decode()
    except Exception:  # noqa: BLE001  cbor2's errors are not ours
        return False
    again = cbor2.loads(cbor2.dumps(value))
    return (
        not tagged and stream.tell() == len(data) and b"\xc2" not in data and _equal(again, value) and not _twice(data)
    )


def _twice(data: bytes) -> bool:
    """Whether the bytes hold more keys than the value: only ever asked about oddities."""
    return any(0xA0 <= byte <= 0xBF or byte >= 0xC0 for byte in data)


def _count(value: object) -> int:
    if isinstance(value, list):
        return 1 + sum(map(_count, value))
    if isinstance(value, dict):
        return 1 + sum(1 + _count(one) for one in value.values())
    return 1


def series_pair(data: bytes) -> None:
    """[block][count][series]: the bytecode and numpy give the same values or both refuse."""
    if len(data) < 3 or not data[1]:
        return
    block = series.BLOCK_WAVE if data[0] & 1 else series.BLOCK_READINGS
    packed, count = data[2:], data[1]
    values, bad = decode_many(
        np.frombuffer(packed, np.uint8), np.array([0]), np.array([len(packed)]), np.array([count]), block
    )
    try:
        expected = series.decode(packed, count, block)
    except ProtocolError:
        assert bad[0]
        return
    assert not bad[0] and values.tolist() == expected


def _file(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def part_file(data: bytes) -> None:
    """An unfinished read-out: what does not check is left out, and the file can be gone on with."""
    path = _file("x.trail.part", data)
    with declared(), PartFile(path, UID, 3) as part:
        kept = dict(part.sectors)
        assert all(len(sector) == 4096 for sector in kept.values())
        part.keep(7, bytes(4096))
        with PartFile(path, UID, 3) as again:
            assert again.sectors == {**kept, 7: bytes(4096)}
    for left in FOLDER.glob("x.trail.part*"):
        left.unlink()


def receipt(data: bytes) -> None:
    """An arm receipt."""
    with declared():
        one = load_receipt(_file("receipt.json", data))
        json.dumps(one.to_json())


def key_file(data: bytes) -> None:
    """The files of a key store, each kind."""
    store = KeyStore(FOLDER / "other-keys")
    for name in ("devices/" + UID.hex(), f"trips/{UID.hex()}-3", "pending/x"):
        write_private(store.folder / f"{name}.json", data)
    for read in (
        lambda: store.device(UID),
        lambda: store.trip(UID, 3),
        lambda: store.pending_keys(UID),
        store.devices,
        store.trips,
    ):
        with declared():
            read()


def write_private(path: Path, data: bytes) -> None:
    """As the key store writes: closed to others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.parent.chmod(0o700)
    # Not `write_atomic`, which refuses to replace what looks like a read-out.
    path.write_bytes(data)
    path.chmod(0o600)


def profile(data: bytes) -> None:
    """A profile in TOML, and the plan that it makes."""
    with declared():
        one = parse_profile(data, "x.toml")
        check_printable([one.name, one.title, *describe(to_plan(one, _FITTED), _FITTED)])


def replay(data: bytes) -> None:
    """A CSV file, or a packed one, for a virtual logger's world; a shock too."""
    name = "x.csv.gz" if data[:2] == b"\x1f\x8b" else "x.csv"
    path = _file(name, data)
    with declared():
        read_readings(path)
    with declared():
        read_shock(f"{path}@1s")


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
            asyncio.run(download.Download(parse_address("tcp://127.0.0.1:1"), wish, _keys(), Reporter()).run())
        except CelltrailError as fault:
            lines.append(str(fault))
            raise
        finally:
            check_printable(lines)
            for left in FOLDER.glob("fetched.trail*"):
                left.unlink()


# Seeds


def _short_trip() -> Forge:
    """Some hours with a bit of everything, sealed sectors among them."""
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(240))
    forge.mark(1, "LEJ", "box 7")
    forge.missing(240, 3)
    forge.roll()
    forge.gap(243, 2)
    forge.shock([[0] * 8 + [120, 300, 5] + [0] * 5] * 3, pre=8)
    forge.reboot(245)
    forge.clock(START_UTC_MS + 300 * 60_000)
    forge.readings(245, box_series(120))
    return forge


def trail_seeds() -> list[bytes]:
    closed, running = _short_trip(), _short_trip()
    closed.close()
    running.pend(365, [640])
    parts = (closed.closed_parts(), running.running_parts(), running.running_parts(live=False))
    return list(map(trail_bytes, parts))


def _vectors(kind: str) -> list[bytes]:
    from vector_files import data_of, read

    return [data_of(one) for one in read(kind)]


def part_seeds() -> list[bytes]:
    path = FOLDER / "seed.part"
    with PartFile(path, UID, 3) as part:
        part.keep(0, bytes(4096))
        part.keep(2, b"\xff" * 4096)
    data = path.read_bytes()
    part.discard()
    return [data, data[:5000], b"CTPART1\n"]


def receipt_seeds() -> list[bytes]:
    plan = to_plan(load_profile("2-8C"), _FITTED)
    hexes = {"settings_hash": "00" * 32, "firmware_hash": "00" * 32, "commitment": "00" * 32}
    sensor = {"model": 1, "step_nK": 7812500, "low_raw": -7040, "high_raw": 19200, "uncertainty_mK": 100}
    values = {"version": 1, "uid": UID.hex(), "name": "CT-1", "trip": 3, "profile": "2-8C", "plan": plan}
    values |= {"plan_text": ["a"], **hexes, "firmware": "1", "tick_ms": 5, "uncertainty_ms": 5, "operator": "A"}
    values |= {
        "host": "x",
        "sensors": [sensor],
        "accel_model": 16,
        "simulated": False,
        "armed_utc": "2025-03-01T08:00:00Z",
    }
    return [json.dumps(values).encode(), json.dumps(values | {"trip": 1e999, "tick_ms": 1e308}).encode()]


def key_seeds() -> list[bytes]:
    trip = {"version": 1, "uid": UID.hex(), "trip": 3, "k0": "00" * 32, "receipt": json.loads(receipt_seeds()[0])}
    device = {"version": 1, "uid": UID.hex(), "name": "CT-1", "key": "00" * 32, "made_utc": "2025-03-01T08:00:00Z"}
    return [json.dumps(one).encode() for one in (trip, device, trip | {"receipt": None, "trip": float("inf")})]


def profile_seeds() -> list[bytes]:
    from importlib import resources

    folder = resources.files("celltrail.plans") / "profiles"
    made = [(folder / f"{name}.toml").read_bytes() for name in ("2-8C", "CRT", "LN2", "dry-ice")]
    return [*made, b'name = "x"\ntitle = "y"\nperiod_s = 60\n[[alarm]]\nside = "high"\nlimit_c = 1e-99\n']


def replay_seeds() -> list[bytes]:
    import gzip

    readings = b"utc,temperature_c,temperature_c_2\n2025-03-01T08:00:00Z,5.0,\n2025-03-01T08:01:00+01:00,5.1,6\n"
    shock = b"t_s,x_g,y_g,z_g\n0,0,0,1\n0.001,20,0,1\n"
    return [readings, shock, gzip.compress(readings, mtime=0)]


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


# name: (function, seeds, the most bytes of an input)
HOST_TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]], int]] = {
    "trail": (trail, trail_seeds, 40_000),
    "record": (built_trail, lambda: list(BUILDER_SEEDS), 6000),
    "cbor-pair": (cbor_pair, lambda: _vectors("cbor"), 1200),
    "series-pair": (series_pair, lambda: __import__("device_targets").series_seeds(), 260),
    "part": (part_file, part_seeds, 20_000),
    "receipt": (receipt, receipt_seeds, 4000),
    "keys": (key_file, key_seeds, 4000),
    "profile": (profile, profile_seeds, 4000),
    "replay": (replay, replay_seeds, 4000),
    "client": (client, client_seeds, 12_000),
}
