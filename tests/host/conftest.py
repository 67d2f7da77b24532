"""A trip that this host armed, closed and still running; downloads from a real logger in memory."""

import pytest

from celltrail.keys.keystore import KeyStore
from celltrail.operate import download as module
from tests.host.download_bench import Bench
from tests.host.forge import K0, UID, five_days
from tests.host.real_logger import Plug


@pytest.fixture
def keys(tmp_path):
    """A key store that holds the K(0) of the trips below."""
    store = KeyStore(tmp_path / "keys")
    store.save_trip(UID, 3, K0)
    return store


@pytest.fixture(scope="module")
def closed():
    """Five days, stopped: three sectors."""
    return five_days()


@pytest.fixture(scope="module")
def running():
    """The same trip still running: two sectors, the open one and a pending reading."""
    forge = five_days(close=False)
    forge.pend(7200, [650])
    return forge


@pytest.fixture
def plugged(mocker):
    """Connections go to `Bench.logger` in memory, and nobody waits."""
    plug = mocker.patch("celltrail.link.client.make_transport")
    mocker.patch.object(module, "PAUSES_S", (0.0,) * 5)
    mocker.patch("os.fsync")
    return plug


@pytest.fixture
def bench(tmp_path, plugged):
    def make(logger):
        plugged.side_effect = lambda address: Plug(logger)
        return Bench(logger, tmp_path)

    return make
