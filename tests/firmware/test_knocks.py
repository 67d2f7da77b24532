"""Which knocks are a pattern: five, evenly, with quiet around; and which are a road, a ringing or a drum."""

from logger.knocks import Knocks


def heard(times, step=10):
    """When the pattern was heard, if the knocks come at these ticks and somebody polls all the time."""
    knocks, found, left = Knocks(), [], list(times)
    for now_ms in range(0, max(times) + 3000, step):
        while left and left[0] <= now_ms:
            knocks.take(left.pop(0))
        if knocks.poll(now_ms):
            found.append(now_ms)
    return found


def even(start, gap, count=5):
    return [start + i * gap for i in range(count)]


def test_five_even_knocks_are_the_pattern_once():
    for gap in (200, 400, 800):
        times = even(1000, gap)
        assert heard(times) == [times[-1] + 1000]
    # As a hand does it, not a machine.
    assert heard([1000, 1350, 1800, 2200, 2650]) == [3650]


def test_twice_asked_is_twice_heard():
    assert len(heard(even(0, 300) + even(5000, 500))) == 2


def test_fewer_more_and_uneven_ones_are_none():
    for count in (1, 2, 3, 4, 6, 9, 40):
        assert heard(even(1000, 300, count)) == [], count
    assert heard([1000, 1400, 1800, 2200, 2801]) == []
    # So slow are steps, so fast is a rattle.
    assert heard(even(1000, 950)) == []
    assert heard(even(1000, 120, 12)) == []


def test_the_ringing_of_each_knock_is_no_knock():
    times = sorted(even(1000, 400) + [at + 40 for at in even(1000, 400)] + [at + 140 for at in even(1000, 400)])
    assert len(heard(times)) == 1


def test_knocks_before_a_pause_do_not_count():
    assert heard([0, 300] + even(2000, 300)) == [4200]
    assert heard([0, 300] + even(1299, 300)) == []


def test_a_road_is_rarely_taken_for_a_hand():
    # Bumps at random, one a second or so, for ten hours: some 36,000.
    state, now_ms, found, knocks = 1, 0, 0, Knocks()
    while now_ms < 36000000:
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        now_ms += 20 + (state >> 8) % 2000
        found += knocks.poll(now_ms)
        knocks.take(now_ms)
    assert found <= 25


def test_nothing_is_due_without_knocks():
    knocks = Knocks()
    assert knocks.due_ms == -1 and not knocks.poll(10**9)
    knocks.take(500)
    assert knocks.due_ms == 1500 and not knocks.poll(1499) and not knocks.poll(1500) and knocks.due_ms == -1
