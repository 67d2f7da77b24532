"""What the tests of downloads from a real logger in memory share."""

import pytest

from celltrail.operate import download as module
from tests.host.download_bench import Bench
from tests.host.real_logger import Plug


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
