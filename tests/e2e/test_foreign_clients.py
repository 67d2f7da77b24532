"""Clients that nobody here wrote: smpmgr, and plain smpclient, on a stopped trip."""

import ast
import asyncio
import hashlib
import re
import subprocess
import sys

import pytest
from smp import header as smp_header
from smp.os_management import OS_MGMT_RET_RC
from smpclient import SMPClient
from smpclient.generics import error, success
from smpclient.requests.file_management import FileUpload
from smpclient.requests.os_management import DateTimeRead, DateTimeWrite, MCUMgrParametersRead, ResetWrite
from smpclient.transport.serial import SMPSerialTransport

from celltrail.evidence.trail import read_trail
from tests.e2e.conftest import handled


@pytest.fixture
def device(stopped, start, tmp_path):
    return start(handled(), flash=stopped.copy_to(tmp_path))


@pytest.fixture
def port(device):
    return device.address.removeprefix("serial://")


@pytest.fixture
def smpmgr(port, tmp_path):
    """smpmgr(words...) -> its output; fails on another exit code than 0 unless told."""

    def call(*words, good=True):
        made = subprocess.run(
            [sys.executable, "-m", "smpmgr", "--port", port, *words],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
            env={"COLUMNS": "400", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        )  # fmt: skip
        assert (made.returncode == 0) == good, made.stdout + made.stderr
        return made.stdout + made.stderr

    return call


def test_smpmgr_echo(smpmgr):
    assert "Hello, parcel!" in smpmgr("os", "echo", "Hello, parcel!")


def test_smpmgr_statistics(smpmgr):
    listed = smpmgr("statistics", "list")
    assert all(name in listed for name in ("logger", "flash", "link"))
    assert smpmgr("statistics", "fetch-all")


def test_smpmgr_reads_the_same_bytes_as_we_do(smpmgr, device, cli, tmp_path):
    cli("download", "-d", device.address, "-o", "ours.trail")
    ours = b"".join(bytes(one.data) for one in read_trail(tmp_path / "ours.trail").sectors)
    assert str(len(ours)) in smpmgr("file", "read-size", "/trip/1")
    smpmgr("file", "download", "/trip/1", "theirs.bin")
    assert (tmp_path / "theirs.bin").read_bytes() == ours
    told = smpmgr("file", "get-hash", "/trip/1")
    assert f"len={len(ours)}" in told
    assert ast.literal_eval(re.search(r"output=(b.+)", told)[1]) == hashlib.sha256(ours).digest()


def test_smpmgr_changes_nothing(smpmgr, device, cli, tmp_path):
    before = cli("status", "-d", device.address, "--json").json
    (tmp_path / "evil").write_bytes(b"evil")
    smpmgr("file", "upload", "evil", "/trip/1", good=False)
    assert "EACCESSDENIED" in smpmgr("os", "reset")
    after = cli("status", "-d", device.address, "--json").json
    assert {key: after[key] for key in ("state", "boot", "trip", "sectors", "used")} == {
        key: before[key] for key in ("state", "boot", "trip", "sectors", "used")
    }


def ask(port, request):
    async def run():
        async with SMPClient(SMPSerialTransport(), port) as client:
            return await client.request(request)

    return asyncio.run(run())


def test_smpclient_reads_the_date_once_arming_has_told_it(start, cli):
    device = start()
    port = device.address.removeprefix("serial://")
    assert ask(port, DateTimeRead()).err.rc is OS_MGMT_RET_RC.RTC_NOT_SET
    cli("provision", "-d", device.address)
    cli("arm", "CRT", "--yes", "-d", device.address)
    cli("stop", "-d", device.address)
    answer = ask(port, DateTimeRead())
    assert success(answer)
    assert answer.datetime.startswith("2025-06-02T06:00:")


def test_smpclient_reads_the_parameters(port):
    answer = ask(port, MCUMgrParametersRead())
    assert success(answer)
    assert answer.buf_size >= 512


@pytest.mark.parametrize("version", [smp_header.Version.V1, smp_header.Version.V2])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (DateTimeWrite, {"datetime": "2031-01-01T00:00:00"}),
        (ResetWrite, {}),
        (FileUpload, {"name": "/trip/1", "off": 0, "data": b"x", "len": 1}),
    ],
)
def test_smpclient_changes_nothing(port, kind, fields, version):
    answer = ask(port, kind(version=version, **fields))
    assert error(answer)
