"""Wrong, busy and dead ports: one clear line, the right exit code, and soon."""

import fcntl
import os
import time

import pytest


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("serial:///dev/ttyNOT1", "no port /dev/ttyNOT1"),
        ("tcp://127.0.0.1:1", "nothing listens"),
        ("ble://CT-3F2A91", "Bluetooth"),
        ("serial:///dev/null", "does not open as a serial port"),
    ],
)
def test_wrong_ports(cli, address, words):
    answer = cli("status", "-d", address, expect=3)
    assert words in answer.err
    assert answer.err.count("\n") == 1


def test_a_busy_port(cli, start):
    logger = start()
    handle = os.open(logger.address.removeprefix("serial://"), os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert "in use by another program" in cli("status", "-d", logger.address, expect=3).err
    os.close(handle)
    cli("status", "-d", logger.address)


def test_a_dead_logger(cli, start):
    logger = start()
    cli("status", "-d", logger.address)
    logger.kill()
    began_s = time.monotonic()
    answer = cli("status", "-d", logger.address, expect=3)
    assert time.monotonic() - began_s < 10
    assert answer.err.count("\n") == 1


def test_a_logger_over_tcp(cli, start):
    logger = start(tcp=True)
    assert logger.address.startswith("tcp://127.0.0.1:")
    cli("provision", "-d", logger.address)
    cli("arm", "CRT", "--yes", "-d", logger.address)
    cli("stop", "-d", logger.address)
    assert cli("download", "-d", logger.address, "--json").json["verdict"]["verdict"] == "closed"


def test_a_logger_under_cpython(cli, start):
    logger = start(runtime="cpython")
    cli("provision", "-d", logger.address)
    cli("arm", "CRT", "--yes", "-d", logger.address)
    assert cli("download", "-d", logger.address, "--json").json["verdict"]["verdict"] == "recording"
