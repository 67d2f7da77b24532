"""Challenge and response: what a proof is good for, once."""

from celltrail_protocol.seals import DEVICE, HOST, command_mac
from logger.prover import Prover

KEY = bytes(range(32))
HN = bytes(16)


class Numbers:
    """A random source that counts."""

    def __init__(self):
        self.count = 0

    def __call__(self, n):
        self.count += 1
        return bytes((self.count,)) * n


def make():
    prover = Prover(Numbers())
    return prover, prover.challenge(HN, 0)


def proof(dn, counter, body=b"x", command=5, role=HOST, key=KEY, hn=HN):
    return command_mac(key, role, command, counter, dn, hn, body)


def test_counter_runs_from_1():
    prover, dn = make()
    for counter in (1, 2, 3):
        assert prover.check(KEY, 5, counter, b"x", proof(dn, counter), 0)
        assert prover.answer(KEY, 5, b"y") == proof(dn, counter, b"y", role=DEVICE)
    dn = prover.challenge(HN, 0)
    assert prover.check(KEY, 5, 1, b"x", proof(dn, 1), 0)


def test_replay_is_refused_and_uses_the_challenge_up_without_a_pause():
    prover, dn = make()
    assert prover.check(KEY, 5, 1, b"x", proof(dn, 1), 0)
    assert not prover.check(KEY, 5, 1, b"x", proof(dn, 1), 0)
    assert not prover.check(KEY, 5, 2, b"x", proof(dn, 2), 0)
    assert prover.failures == 0
    assert prover.challenge(HN, 0) is not None


def test_counter_that_jumps_is_refused():
    for counter in (0, 2, 0xFFFFFFFF):
        prover, dn = make()
        assert not prover.check(KEY, 5, counter, b"x", proof(dn, counter), 0)
        assert not prover.check(KEY, 5, 1, b"x", proof(dn, 1), 0)


def test_everything_is_bound():
    wrong = (
        lambda dn: proof(dn, 1, key=bytes(32)),
        lambda dn: proof(dn, 1, body=b"z"),
        lambda dn: proof(dn, 1, command=6),
        lambda dn: proof(dn, 2),
        lambda dn: proof(bytes(16), 1),
        lambda dn: proof(dn, 1, hn=bytes([1] * 16)),
        # The device's own answer thrown back.
        lambda dn: proof(dn, 1, role=DEVICE),
        lambda dn: proof(dn, 1)[:31],
    )
    for make_wrong in wrong:
        prover, dn = make()
        assert not prover.check(KEY, 5, 1, b"x", make_wrong(dn), 0)
        assert prover.failures == 1


def test_wrong_proof_costs_the_challenge_and_a_second():
    prover, dn = make()
    assert not prover.check(KEY, 5, 1, b"x", bytes(32), 7000)
    assert not prover.check(KEY, 5, 1, b"x", proof(dn, 1), 7000)
    assert prover.challenge(HN, 7999) is None
    again = prover.challenge(HN, 8000)
    assert again not in (None, dn)
    assert prover.check(KEY, 5, 1, b"x", proof(again, 1), 8000)


def test_new_challenge_and_lost_connection_end_the_old_one():
    prover, dn = make()
    prover.challenge(HN, 0)
    assert not prover.check(KEY, 5, 1, b"x", proof(dn, 1), 0)
    prover, dn = make()
    prover.forget()
    assert not prover.check(KEY, 5, 1, b"x", proof(dn, 1), 0)
    assert prover.failures == 0


def test_no_challenge_no_proof():
    prover = Prover(Numbers())
    assert not prover.check(KEY, 5, 1, b"x", proof(b"", 1), 0)
    assert prover.failures == 0
