import pytest

from celltrail.errors import UsageFault
from celltrail.link.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("serial:///dev/ttyACM0", "serial", "/dev/ttyACM0"),
        ("serial://COM5", "serial", "COM5"),
        ("tcp://127.0.0.1:7788", "tcp", "127.0.0.1:7788"),
        ("TCP://logger.lan:7788", "tcp", "logger.lan:7788"),
        ("ble://CT-3F2A91", "ble", "CT-3F2A91"),
        ("ble://AA:BB:CC:DD:EE:FF", "ble", "AA:BB:CC:DD:EE:FF"),
        (" serial://COM5\n", "serial", "COM5"),
    ],
)
def test_forms(text, kind, target):
    assert parse_address(text) == Address(kind, target)


def test_an_address_reads_as_it_is_written():
    assert str(parse_address("serial:///dev/ttyACM0")) == "serial:///dev/ttyACM0"


@pytest.mark.parametrize(
    ("text", "host", "port"), [("tcp://127.0.0.1:1", "127.0.0.1", 1), ("tcp://[::1]:65535", "::1", 65535)]
)
def test_host_and_port(text, host, port):
    assert parse_address(text).host_and_port == (host, port)


@pytest.mark.parametrize(
    "text",
    ["", "x", "http://a", "serial://", "serial:///", "ble://", "tcp://", "tcp://host", "tcp://host:", "tcp://:5",
     "tcp://host:x", "tcp://host:0", "tcp://host:65536", "tcp://host:²"],
)  # fmt: skip
def test_what_is_no_address(text):
    with pytest.raises(UsageFault) as fault:
        parse_address(text)
    assert "\n" not in str(fault.value)


def test_a_bare_port_gets_a_hint():
    with pytest.raises(UsageFault, match="did you mean serial:///dev/ttyACM0"):
        parse_address("/dev/ttyACM0")
