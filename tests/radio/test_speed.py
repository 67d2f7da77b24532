"""How much of the air a read-out uses, in simulated time: the same on every machine."""

from tests.bench.radio_speed import measure


def test_a_read_out_uses_nearly_all_that_the_link_carries():
    share, taken = measure()
    assert share.value >= 0.9
    assert share.value > 5 * share.peer_value
    assert taken.value <= 1.5
