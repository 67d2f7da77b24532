"""Challenge and response: what a proof is good for, once, and what nobody can do without the key."""

from celltrail_protocol import smp
from celltrail_protocol.seals import DEVICE, HOST, command_mac
from logger.prover import Prover
from logger.refused import Refused

KEY = bytes(range(32))
HN = bytes(16)
STOP = 4
MARK = 5


class Numbers:
    """A random source that counts."""

    def __init__(self):
        self.count = 0

    def __call__(self, n):
        self.count += 1
        return bytes((self.count,)) * n


def constant(n):
    """A random source that is broken."""
    return bytes(n)


def make(random=None, boot=1):
    prover = Prover(random or Numbers())
    return prover, prover.challenge(HN, boot, 0)


def proof(dn, counter, body=b"x", command=MARK, role=HOST, key=KEY, hn=HN):
    return command_mac(key, role, command, counter, dn, hn, body)


def tried(prover, mac, counter=1, command=MARK, body=b"x", now_ms=0, name=b""):
    """The challenge that was answered, or the error."""
    try:
        return prover.check(KEY, command, counter, name, body, mac, now_ms)
    except Refused as why:
        return why.code


def is_right(answer):
    return not isinstance(answer, int)


def test_counter_runs_from_1():
    prover, dn = make()
    for counter in (1, 2, 3):
        opened = tried(prover, proof(dn, counter), counter)
        assert opened.answer(KEY, MARK, b"y") == proof(dn, counter, b"y", role=DEVICE)
    dn = prover.challenge(HN, 1, 0)
    assert is_right(tried(prover, proof(dn, 1)))


def test_replay_is_refused_and_uses_the_challenge_up_without_a_pause():
    prover, dn = make()
    assert is_right(tried(prover, proof(dn, 1)))
    assert tried(prover, proof(dn, 1)) == smp.ERR_STALE
    assert tried(prover, proof(dn, 2), 2) == smp.ERR_STALE
    assert prover.failures == 0
    later = prover.challenge(HN, 1, 0)
    assert later not in (None, dn)
    assert tried(prover, proof(dn, 1)) == smp.ERR_NOT_PROVEN


def test_order_is_kept():
    prover, dn = make()
    assert tried(prover, proof(dn, 2), 2) == smp.ERR_STALE
    assert tried(prover, proof(dn, 1)) == smp.ERR_STALE
    assert prover.failures == 0


def test_counter_that_jumps_is_refused():
    for counter in (0, 2, 0xFFFFFFFF):
        prover, dn = make()
        assert tried(prover, proof(dn, counter), counter) == smp.ERR_STALE
        assert tried(prover, proof(dn, 1)) == smp.ERR_STALE


def test_everything_is_bound():
    wrong = (
        lambda dn: proof(dn, 1, key=bytes(32)),
        lambda dn: proof(dn, 1, body=b"z"),
        lambda dn: proof(dn, 1, command=STOP),
        lambda dn: proof(dn, 2),
        lambda dn: proof(bytes(16), 1),
        lambda dn: proof(dn, 1, hn=bytes([1] * 16)),
        # The device's own answer thrown back.
        lambda dn: proof(dn, 1, role=DEVICE),
        lambda dn: proof(dn, 1)[:31],
    )
    for make_wrong in wrong:
        prover, dn = make()
        assert tried(prover, make_wrong(dn)) == smp.ERR_NOT_PROVEN
        assert prover.failures == 1


def test_answer_is_no_request_and_request_is_no_answer():
    prover, dn = make()
    opened = tried(prover, proof(dn, 1))
    # A host that was tricked into proving a request has proven no answer.
    assert opened.answer(KEY, MARK, b"x") != proof(dn, 1)
    assert tried(prover, opened.answer(KEY, MARK, b"x"), 2) == smp.ERR_NOT_PROVEN


def test_wrong_proof_costs_the_challenge_and_a_second():
    prover, dn = make()
    assert tried(prover, bytes(32), now_ms=7000) == smp.ERR_NOT_PROVEN
    assert tried(prover, proof(dn, 1), now_ms=7000) == smp.ERR_STALE
    assert prover.challenge(HN, 1, 7999) is None
    again = prover.challenge(HN, 1, 8000)
    assert again not in (None, dn)
    assert is_right(tried(prover, proof(again, 1), now_ms=8000))


def test_guesses_come_to_one_a_second_however_they_are_spread():
    prover = Prover(Numbers())
    guesses = 0
    for now_ms in range(0, 20000, 20):
        # As many challenges as are given, and as many guesses as these allow; every second time on a new link.
        for _ in range(4):
            prover.challenge(HN, 1, now_ms)
        for _ in range(4):
            guesses += tried(prover, bytes(32), now_ms=now_ms) == smp.ERR_NOT_PROVEN
        if now_ms % 40:
            prover.forget()
    assert 18 <= guesses <= 21
    assert prover.failures == guesses


def test_nobody_waits_longer_than_two_seconds_for_a_guesser():
    prover = Prover(Numbers())
    for now_ms in range(0, 20000, 50):
        prover.challenge(HN, 1, now_ms)
        tried(prover, bytes(32), now_ms=now_ms)
    waited_ms = 0
    while prover.challenge(HN, 1, 20000 + waited_ms) is None:
        waited_ms += 5
    assert waited_ms <= 2000


def test_guesser_does_not_close_the_challenge_of_another():
    prover = Prover(Numbers())
    mine = prover.challenge(HN, 1, 0)
    prover.challenge(bytes([1] * 16), 1, 0)
    assert tried(prover, bytes(32)) == smp.ERR_NOT_PROVEN
    assert is_right(tried(prover, proof(mine, 1), name=mine[:4]))


def test_two_hosts_at_once():
    for turns in ((0, 1, 0, 1), (1, 0, 0, 1), (0, 0, 1, 1)):
        prover = Prover(Numbers())
        hns = (bytes([1] * 16), bytes([2] * 16))
        dns = [prover.challenge(hn, 1, 0) for hn in hns]
        counters = [0, 0]
        for one in turns:
            counters[one] += 1
            mac = proof(dns[one], counters[one], hn=hns[one])
            opened = tried(prover, mac, counters[one], name=dns[one][:4])
            assert (opened.dn, opened.hn) == (dns[one], hns[one])
        assert prover.failures == 0


def test_third_challenge_ends_the_first_and_harms_no_other():
    prover = Prover(Numbers())
    dns = [prover.challenge(HN, 1, 0) for _ in range(3)]
    assert tried(prover, proof(dns[0], 1), name=dns[0][:4]) == smp.ERR_STALE
    for dn in dns[1:]:
        assert is_right(tried(prover, proof(dn, 1), name=dn[:4]))
    assert prover.failures == 0


def test_lost_connection_ends_all_challenges():
    prover, dn = make()
    prover.forget()
    assert tried(prover, proof(dn, 1)) == smp.ERR_STALE
    assert prover.failures == 0


def test_challenge_grows_old():
    for age_ms, right in ((29999, True), (30000, False)):
        prover, dn = make()
        assert is_right(tried(prover, proof(dn, 1), now_ms=age_ms)) == right
        assert prover.failures == 0


def test_no_challenge_no_proof():
    prover = Prover(Numbers())
    assert tried(prover, proof(b"", 1)) == smp.ERR_STALE
    assert prover.failures == 0


def test_broken_random_source_gives_no_nonce_twice():
    seen = []
    for boot in (1, 2):
        prover = Prover(constant)
        for _ in range(50):
            seen.append(prover.challenge(HN, boot, 0))
    assert len(set(seen)) == 100


def test_nonce_needs_the_random_source_all_the_same():
    assert make(Numbers())[1] != make(constant)[1]
