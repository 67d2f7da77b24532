"""Tests of celltrail.virtual.pump and endpoint: what goes through the link, and who may use it."""

import os
import random
import resource
import socket
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import serial

from celltrail.virtual import Stimulus, Temperature, VirtualLogger

PUPPET = Path(__file__).parent / "virtual_firmware" / "puppet.py"
STILL = Stimulus(1_700_000_000_000, 86_400_000, (Temperature.from_celsius([0], [5.0]),))
BULK = random.Random(1).randbytes(1_000_000)

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


@pytest.fixture(params=["micropython", "cpython"])
def runtime(request):
    return request.param


def start(runtime="micropython", tcp=True, **options):
    return VirtualLogger(STILL, runtime=runtime, tcp=tcp, script=PUPPET, **options)


def dial(logger):
    connection = socket.create_connection(("127.0.0.1", int(logger.address.rpartition(":")[2])), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def open_serial(logger, **options):
    return serial.Serial(logger.address.removeprefix("serial://"), timeout=10, **options)


def read_exactly(connection, count):
    received = bytearray()
    while len(received) < count:
        chunk = connection.recv(65536)
        assert chunk, "the link ended"
        received += chunk
    return bytes(received)


def send_until_stuck(connection, most):
    """Send BULK again and again; the count of bytes that were taken."""
    sent = 0
    with suppress(TimeoutError):
        while sent < most:
            sent += connection.send(BULK[sent % len(BULK) :])
    return sent


def test_megabyte_over_tcp_comes_back_whole(runtime):
    with start(runtime) as logger, dial(logger) as connection:
        connection.sendall(b"echo\n")
        sender = threading.Thread(target=connection.sendall, args=(BULK,))
        sender.start()
        received = read_exactly(connection, len(BULK))
        sender.join()
    assert received == BULK


@needs_pty
@pytest.mark.parametrize("exclusive", [True, False])
def test_megabyte_over_pty_comes_back_whole(runtime, exclusive):
    with start(runtime, tcp=False) as logger, open_serial(logger, exclusive=exclusive) as port:
        port.write(b"echo\n")
        sender = threading.Thread(target=port.write, args=(BULK,))
        sender.start()
        received = port.read(len(BULK))
        sender.join()
    assert received == BULK


@needs_pty
@pytest.mark.parametrize("exclusive", [True, False])
def test_pty_can_be_closed_and_opened_again_and_again(exclusive):
    with start(tcp=False) as logger:
        for _ in range(5):
            with open_serial(logger, exclusive=exclusive) as port:
                port.write(b"status\n")
                assert len(port.readline().split()) == 5
            time.sleep(0.03)


@needs_pty
def test_pty_is_raw_for_a_client_that_sets_nothing():
    with start(tcp=False) as logger:
        path = logger.address.removeprefix("serial://")
        for _ in range(2):
            port = os.open(path, os.O_RDWR | os.O_NOCTTY)
            os.write(port, b"status\n")
            # An echo or a carriage return would be the work of a terminal.
            answer = b""
            while not answer.endswith(b"\n"):
                answer += os.read(port, 100)
            os.close(port)
            time.sleep(0.05)
            assert len(answer.split()) == 5
            assert b"\r" not in answer


@needs_pty
def test_pty_client_does_not_see_what_the_last_one_left():
    with start(tcp=False) as logger:
        path = logger.address.removeprefix("serial://")
        port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"status\n" * 20)
        time.sleep(0.1)
        os.close(port)
        time.sleep(0.1)
        port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"peek 0 0\n")
        answer = os.read(port, 100)
        os.close(port)
        assert answer == b"\n"


def test_tcp_client_does_not_see_what_the_last_one_left():
    with start() as logger:
        with dial(logger) as connection:
            connection.sendall(b"status\n" * 20)
            time.sleep(0.1)
        with dial(logger) as connection:
            connection.sendall(b"peek 0 0\n")
            assert connection.recv(100) == b"\n"


def test_second_tcp_client_is_closed_at_once():
    with start() as logger, dial(logger) as first:
        first.sendall(b"status\n")
        assert first.recv(100)
        with dial(logger) as second:
            second.settimeout(2)
            assert second.recv(1) == b""
        first.sendall(b"status\n")
        assert first.recv(100)


def test_small_requests_are_answered_quickly():
    with start() as logger, dial(logger) as connection:
        connection.sendall(b"echo\n")
        times_s = []
        for _ in range(200):
            began_s = time.perf_counter()
            connection.sendall(b"x")
            read_exactly(connection, 1)
            times_s.append(time.perf_counter() - began_s)
    # A generous bound against polling somewhere on the way; the usual figure is 0.2 ms.
    assert sorted(times_s)[100] < 0.005


def test_client_that_does_not_read_holds_the_firmware_back():
    with start() as logger, dial(logger) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"echo\n")
        connection.settimeout(0.5)
        assert send_until_stuck(connection, 100_000_000) < 100_000_000
        connection.settimeout(10)
        assert read_exactly(connection, 100_000)[:100_000] == BULK[:100_000]


def test_idle_logger_does_not_keep_the_processor_busy():
    with start() as logger, dial(logger) as connection:
        connection.sendall(b"status\n")
        connection.recv(100)
        time.sleep(0.1)
        before = resource.getrusage(resource.RUSAGE_SELF)
        time.sleep(0.5)
        after = resource.getrusage(resource.RUSAGE_SELF)
        assert after.ru_nvcsw - before.ru_nvcsw < 100


def test_many_short_connections(runtime):
    with start(runtime) as logger:
        for _ in range(30):
            with dial(logger) as connection:
                connection.sendall(b"peek 0 0\n")
                assert connection.recv(10) == b"\n"


def test_client_is_refused_while_the_power_is_off():
    with start() as logger:
        logger.kill()
        with dial(logger) as connection:
            assert connection.recv(1) == b""
        logger.restart()
        with dial(logger) as connection:
            connection.sendall(b"peek 0 0\n")
            assert connection.recv(10) == b"\n"


def test_port_in_use_is_told():
    from celltrail.errors import UsageFault

    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageFault, match=str(port)), start(tcp=port):
            pass
