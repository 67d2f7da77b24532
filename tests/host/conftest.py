"""A trip that this host armed, closed and still running."""

import pytest

from celltrail.keys.keystore import KeyStore
from tests.host.forge import K0, UID, five_days


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
