"""Memory and work stay bounded whatever a file or a peer claims: counts near 2**32, endless lists, many things."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from device_targets import BENCH
from forge import Forge
from worst_files import NAMES, worst

from celltrail.errors import UsageFault
from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.plans.profile import parse_profile
from celltrail.views import export_csv, table
from celltrail.virtual.replay import parse_span_ms
from celltrail_protocol import cbor, codes, console, frames, smp
from celltrail_protocol.layout import ProtocolError
from tests.fuzz.targets import ROOT

# Python, numpy and the file take some 300 MB of address space; a sector of the worst file may take 100 kB more.
_CHILD = """
import resource, sys
sys.path[:0] = {paths!r}
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
from pathlib import Path
from celltrail.evidence.trail import parse_trail
from celltrail.evidence.verify import check_trail
from celltrail.views.show_text import summary_lines
from celltrail.views.summary import summarize
checked = check_trail(parse_trail(Path(sys.argv[1]).read_bytes(), Path("x")), None)
print(len(summary_lines(summarize(checked))))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory so")
@pytest.mark.parametrize("name", NAMES)
def test_worst_file_is_read_in_bounded_memory(name: str, tmp_path: Path):
    path = tmp_path / "worst.trail"
    path.write_bytes(worst(name, 16))
    code = _CHILD.format(paths=[str(ROOT / "host"), str(ROOT / "protocol")])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(path)],
        env={"OPENBLAS_NUM_THREADS": "1"}, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]


def _with_gap(count: int):
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 5)
    forge.frame(frames.GAP, 5, count, codes.GAP_LATE)
    return check_trail(parse_trail(trail_bytes(forge.running_parts()), Path("a.trail")), None)


def test_long_gap_is_exported_in_pieces(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(table, "MOST_LACKING", 1_000_000)
    checked = _with_gap(400_000)
    pieces = [len(piece.slot) for piece in table.readings_tables(checked)]
    assert sum(pieces) == 400_005
    assert max(pieces) <= 100_000
    tracemalloc.start()
    try:
        for _ in table.readings_tables(checked):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


@pytest.mark.parametrize("count", [1_100_000, 0xFFFFFFF0])
def test_absurd_gap_is_refused_in_a_line(count: int, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(table, "MOST_LACKING", 1_000_000)
    with pytest.raises(UsageFault, match=f"claims {count} slots without a reading, too many beside 5 with one"):
        export_csv.write_readings(_with_gap(count), tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_slots_are_listed_once_however_many_gaps_lie_over_each_other(monkeypatch):
    monkeypatch.setattr(table, "MOST_LACKING", 1_000_000)
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 5)
    for reason in (codes.GAP_LATE, codes.GAP_POWER):
        for number in range(30):
            forge.frame(frames.GAP, 5 + number, 1000, reason)
    forge.frame(frames.GAP, 2, 6, codes.GAP_FLASH)
    checked = check_trail(parse_trail(trail_bytes(forge.running_parts()), Path("a.trail")), None)
    (one,) = table.readings_tables(checked)
    assert one.slot.tolist() == list(range(5 + 29 + 1000))
    words = [one.words[status] for status in one.status.tolist()]
    assert words[:5] == ["ok"] * 5
    assert words[5:8] == ["flash failed"] * 3
    assert set(words[8:]) == {"logger was busy"}


@pytest.mark.parametrize("value", ["1e-999999999", "5.0000000000001", "0e-999999999"])
def test_profile_takes_no_number_that_costs_all_memory(value: str):
    text = f'name = "x"\ntitle = "y"\nperiod_s = 60\n[[alarm]]\nside = "high"\nlimit_c = {value}\n'
    with pytest.raises(UsageFault, match="decimals"):
        parse_profile(text.encode(), "x.toml")


def test_length_of_time_beyond_all_numbers_is_refused():
    with pytest.raises(UsageFault, match="longer than a logger can run"):
        parse_span_ms("9" * 400 + "d")


def test_message_of_many_items_is_refused():
    most = cbor.dumps([0] * (cbor.MOST_ITEMS - 1))
    assert len(cbor.loads(most)) == cbor.MOST_ITEMS - 1
    for data in (
        cbor.dumps([0] * cbor.MOST_ITEMS),
        b"\x9f" + b"\x80" * 1100 + b"\xff",
        b"\x5f" + b"\x40" * 1100 + b"\xff",
    ):
        with pytest.raises(ProtocolError):
            cbor.loads(data)


def test_long_download_requests_are_not_kept():
    app, _ = BENCH.logger(3)
    body = cbor.dumps({"off": 0, "name": "/trip/1", "ack": 0, "x": "y" * 1000})
    message = smp.pack_header(smp.OP_READ, 1, smp.GROUP_FS, 1, smp.FS_DOWNLOAD, len(body)) + body
    app.board.link.incoming = b"".join(console.encode(message)) * 40
    while app.link.poll() or app.board.link.incoming:
        assert sum(len(held) for held in app.link.held) <= 4096
    app.link.connection_lost()
