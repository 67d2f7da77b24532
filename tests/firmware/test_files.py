"""The record as files: offsets that always name the same byte, the pending file, and refusals."""

from binascii import crc32
from hashlib import sha256

from fakes import Board, arm, make, plan, run

from celltrail_protocol import codes, smp

MINUTE = 60000
FS = smp.GROUP_FS


def rc(answer):
    return answer["err"]["rc"]


def download(host, offset, name="/trip/1", **more):
    request = {"off": offset, "name": name}
    request.update(more)
    return host.ask(FS, smp.FS_DOWNLOAD, smp.OP_READ, request)


def whole(host, name="/trip/1"):
    data, length = b"", host.ask(FS, smp.FS_STATUS, smp.OP_READ, {"name": name})["len"]
    while len(data) < length:
        answer = download(host, len(data), name)
        assert answer["off"] == len(data)
        assert len(answer["data"]) == min(smp.CHUNK, length - len(data))
        assert ("len" in answer) == (len(data) == 0)
        data += answer["data"]
    return data


def noise(tick):
    return tick // 1000 * 7919 % 5000


def logging(minutes=5, **changes):
    app, host = make(Board(scripts=[noise]))
    arm(host, plan(period_ms=1000, **changes))
    run(app, minutes * MINUTE)
    return app, host


def test_trip_is_its_sectors_as_they_lie():
    app, host = logging(60)
    sectors = app.trip.ring.sectors()
    assert host.ask(FS, smp.FS_STATUS, smp.OP_READ, {"name": "/trip/1"}) == {"len": 4096 * sectors}
    assert sectors > 1
    piece = bytearray(smp.CHUNK)
    for offset in range(0, 4096 * sectors, smp.CHUNK):
        app.trip.ring.read_into(offset // 4096, offset % 4096, piece)
        assert download(host, offset)["data"] == piece
    assert piece[-4:] == b"\xff" * 4


def test_chunk_may_lie_across_two_sectors():
    app, host = logging(60)
    both = bytearray(1024)
    app.trip.ring.read_into(0, 4000, memoryview(both)[:96])
    app.trip.ring.read_into(1, 0, memoryview(both)[96:])
    assert download(host, 4000)["data"] == both


def test_end_of_the_file():
    _, host = logging()
    assert download(host, 4096 - 10)["data"] == b"\xff" * 10
    assert download(host, 4096)["data"] == b""
    assert rc(download(host, 4097)) == 12


def test_offsets_and_names_that_are_none():
    _, host = logging()
    for offset in (-1, None, True, "0", [], {}):
        assert rc(download(host, offset)) == 11
    assert rc(download(host, 1 << 63)) == 12
    for name in ("/trip/2", "/trip/01", "", None, 5, [], "/trip/1/"):
        assert rc(download(host, 0, name)) == 3
    _, host = make()
    for name in ("/trip/0", "/trip/0/pending"):
        assert rc(download(host, 0, name)) == 3


def test_overwritten_sectors_answer_an_error():
    app, host = logging(180, wrap=True)
    first = app.trip.ring.places.first_index()
    assert first > 0
    assert rc(download(host, 0)) == 7
    assert rc(download(host, first * 4096 - 1)) == 7
    assert len(download(host, first * 4096)["data"]) == 1024


def test_pending_file_lies_still_until_it_is_packed():
    app, host = logging(1)
    assert rc(download(host, 0, "/trip/1/pending")) == 7
    count = host.read(smp.CMD_LIVE, {"nonce": bytes(16)})["pending"]
    before = whole(host, "/trip/1/pending")
    assert len(before) == count > 0
    run(app, MINUTE + 10000)
    assert whole(host, "/trip/1/pending") == before
    host.read(smp.CMD_LIVE, {"nonce": bytes(16)})
    assert whole(host, "/trip/1/pending")[: len(before)] == before
    assert len(whole(host, "/trip/1/pending")) > len(before)
    run(app, 4 * MINUTE)
    assert rc(download(host, 0, "/trip/1/pending")) == 7


def test_pending_file_of_the_trip_before_is_gone():
    app, host = logging(1)
    host.prove(smp.CMD_STOP, {"op": ""})
    arm(host, plan(start=1), discard=True)
    host.read(smp.CMD_LIVE, {"nonce": bytes(16)})
    assert whole(host, "/trip/2/pending") == b""
    host.prove(smp.CMD_STOP, {"op": ""})
    arm(host, plan(), discard=True)
    assert rc(download(host, 0, "/trip/3/pending")) == 7


def test_hashes():
    app, host = logging()
    data = whole(host)
    ask = lambda **request: host.ask(FS, smp.FS_HASH, smp.OP_READ, request)  # noqa: E731
    answer = ask(name="/trip/1")
    assert answer == {"type": "sha256", "len": 4096, "output": sha256(data).digest()}
    answer = ask(name="/trip/1", type="crc32", off=100, len=777)
    assert answer == {"type": "crc32", "off": 100, "len": 777, "output": crc32(data[100:877])}
    assert ask(name="/trip/1", off=4000, len=1 << 40)["len"] == 96
    assert rc(ask(name="/trip/1", type="md5")) == 13
    assert rc(ask(name="/trip/1", type=5)) == 13
    assert rc(ask(name="/trip/1", off=5000)) == 12
    assert rc(ask(name="/trip/1", len=-1)) == 11
    assert rc(ask(name="/nothing")) == 3
    types = host.ask(FS, smp.FS_HASH_TYPES, smp.OP_READ, {})["types"]
    assert sorted(types) == ["crc32", "sha256"]


def test_read_only():
    _, host = logging()
    request = {"off": 0, "name": "/trip/1", "data": b"x", "len": 1}
    assert rc(host.ask(FS, smp.FS_DOWNLOAD, smp.OP_WRITE, request)) == 15
    assert host.ask(FS, smp.FS_DOWNLOAD, smp.OP_WRITE, request, version=0)["rc"] == smp.MGMT_DENIED
    assert host.ask(FS, smp.FS_CLOSE, smp.OP_WRITE, {}) == {}


def test_a_long_hash_waits_for_the_end_of_the_trip():
    app, host = logging(1, shock=[2000, 0, 20, 0, 0, 0])
    while app.trip.ring.index == 0:
        app.trip.fault(codes.SOURCE_LINK, codes.FAULT_WRONG_KEY, 0, app.board.tick_ms)
    ask = lambda **request: host.ask(FS, smp.FS_HASH, smp.OP_READ, request)  # noqa: E731
    assert ask(name="/trip/1") == {"rc": smp.MGMT_BUSY}
    assert ask(name="/trip/1", len=4096)["len"] == 4096
    app.trip.stop(codes.REASON_COMMAND, app.board.tick_ms)
    assert ask(name="/trip/1")["len"] == 8192
