"""The shock detector against the words of SPEC.md section 3, computed from the whole series."""

from array import array

from celltrail_protocol import frames
from logger.shocks import Detector

# threshold_mg, min_us, quiet_ms, pre, post, windows; at 100 mg a step and 1600 Hz.
SETTINGS = (1000, 2000, 20, 16, 100, 9)
NG = 100000000
QUIET = 32


def run(samples, settings=SETTINGS, piece=1000, lost_at=-1):
    """Feed in pieces; (start, figures) of the events that count."""
    detector = Detector(settings, NG, 1600000, 2000)
    events, start, at = [], -1, 0
    while at < len(samples):
        part = samples[at : at + piece]
        flat = array("h", [value for one in part for value in one])
        first = 0
        while first < len(part):
            detector.started_at = -1
            first += detector.feed(flat, first, len(part) - first, at == lost_at and first == 0)
            if detector.started_at >= 0:
                start = at + detector.started_at
            if detector.done:
                events.append((start, figures(detector)))
        at += piece
    return events, detector


def figures(detector):
    window = [list(detector.window[axis][: detector.stored]) for axis in range(3)]
    return {
        "base": list(detector.base),
        "peak": list(detector.peak),
        "velocity": list(detector.velocity),
        "duration": detector.duration,
        "longest": detector.longest,
        "flags": detector.flags,
        "pre": detector.pre,
        "window": window,
    }


def rest(count, x=0, y=0, z=10):
    return [(x, y, z)] * count


def test_quiet_gives_no_event():
    events, detector = run(rest(200) + [(9, -9, 19)] * 50)
    assert events == []
    assert detector.calm()


def test_figures_of_one_shock():
    hit = [(12, 0, 10), (40, -5, 10), (-30, 3, 4), (0, 0, 20), (5, 0, 10), (10, 0, 10)]
    series = rest(100) + hit + rest(80)
    events, _ = run(series)
    assert len(events) == 1
    start, got = events[0]
    assert start == 100
    assert got["base"] == [0, 0, 10]
    assert got["peak"] == [40, -5, 20]
    # 5 is not active, 10 is: the limit counts.
    assert (got["duration"], got["longest"]) == (6, 4)
    assert got["velocity"] == [37, -2, 4]
    assert got["flags"] == 0
    assert got["pre"] == 16
    assert got["window"][0] == [one[0] for one in series[84 : 84 + 16 + 6 + QUIET]]
    assert got["window"][2] == [one[2] for one in series[84 : 84 + 16 + 6 + QUIET]]


def test_first_of_two_equal_peaks_counts():
    events, _ = run(rest(64) + [(20, 0, 10), (-20, 0, 10), (15, 0, 10), (15, 0, 10)] + rest(60))
    assert events[0][1]["peak"][0] == 20


def test_pieces_make_no_difference():
    series = rest(90) + [(30, 1, 9)] * 7 + rest(31) + [(0, -25, 10)] * 5 + rest(200)
    whole, _ = run(series)
    for piece in (1, 3, 64, 170):
        assert run(series, piece=piece)[0] == whole
    # 31 quiet samples are one too few to end the event.
    assert len(whole) == 1
    assert whole[0][1]["duration"] == 43


def test_base_is_the_mean_of_the_last_64_rounded_down():
    series = rest(40, x=50) + [(1, -1, 10), (0, 0, 10)] * 32 + [(30, 0, 10)] * 4 + rest(60)
    # The first 40 are forgotten by then, but they hold the base up at first: let them be rest of their own.
    events, _ = run(series[40:])
    assert events[0][1]["base"] == [0, -1, 10]


def test_shorter_than_the_minimum_does_not_count():
    # 2000 us are 3.2 samples, so 4 are needed in a row.
    assert run(rest(64) + [(30, 0, 10)] * 3 + rest(60))[0] == []
    assert run(rest(64) + ([(30, 0, 10)] * 3 + rest(2)) * 3 + rest(60))[0] == []
    assert len(run(rest(64) + [(30, 0, 10)] * 4 + rest(60))[0]) == 1


def test_two_shocks_and_the_rest_between_them():
    series = rest(64) + [(30, 0, 10)] * 6 + rest(QUIET + 8, x=3) + [(0, 40, 10)] * 6 + rest(60)
    events, _ = run(series)
    assert [start for start, _ in events] == [64, 64 + 6 + QUIET + 8]
    # The second one's base is the rest since the first, not the first itself.
    assert events[1][1]["base"] == [3, 0, 10]
    assert events[1][1]["pre"] == 16


def test_rest_after_a_shock_longer_than_its_window():
    series = rest(64) + [(30, 0, 10)] * 300 + rest(QUIET + 20) + [(0, 40, 10)] * 6 + rest(60)
    events, _ = run(series)
    assert events[0][1]["flags"] == frames.SHOCK_SHORT
    assert len(events[0][1]["window"][0]) == 116
    assert events[1][1]["base"] == [0, 0, 10]


def test_little_before_the_shock_cuts_the_window_short():
    events, _ = run(rest(5) + [(30, 0, 10)] * 6 + rest(60))
    assert events[0][1]["pre"] == 5
    assert events[0][1]["flags"] == frames.SHOCK_SHORT


def test_clipped():
    events, _ = run(rest(64) + [(2000, 0, 10)] * 6 + rest(60))
    assert events[0][1]["flags"] == frames.SHOCK_CLIPPED
    events, _ = run(rest(64) + [(-2000, 0, 10)] * 6 + rest(60))
    assert events[0][1]["flags"] == frames.SHOCK_CLIPPED
    assert run(rest(64) + [(1999, 0, 10)] * 6 + rest(60))[0][0][1]["flags"] == 0


def test_lost_samples_are_told_in_an_event_and_begin_anew_outside():
    series = rest(96) + [(30, 0, 10)] * 6 + rest(60)
    assert run(series, piece=100, lost_at=100)[0][0][1]["flags"] == frames.SHOCK_LOST
    # After a loss at rest the samples before it are no rest of what follows.
    events, _ = run(rest(64, x=500) + rest(64) + [(30, 0, 10)] * 6 + rest(60), piece=64, lost_at=64)
    assert len(events) == 1
    assert events[0][1]["base"] == [0, 0, 10]


def test_endless_shock_is_cut_and_a_new_rest_taken():
    settings = (1000, 2000, 20, 16, 16, 9)
    detector = Detector(settings, NG, 1600000, 2000)
    flat = array("h", [0, 0, 10] * 64 + [30, 0, 10] * 64)
    assert detector.feed(flat, 0, 128, False) == 128
    fed = 64
    while not detector.done:
        fed += detector.feed(flat, 64, 64, False)
    assert fed == 65535
    assert detector.flags == frames.SHOCK_CUT | frames.SHOCK_SHORT
    assert detector.duration == detector.longest == 65535
    assert detector.velocity == [65535 * 30, 0, 0]
    # What it lay in is the rest now: the logger has been turned round, say.
    for _ in range(3):
        detector.feed(flat, 64, 64, False)
        assert not detector.done
    assert detector.calm()


def test_threshold_of_a_fine_step():
    # 3.90625 mg a step: 1000 mg are 256 steps.
    detector = Detector(SETTINGS, 3906250, 1600000, 4096)
    flat = array("h", [0, 0, 0] * 20 + [255, 0, 0] * 8)
    detector.feed(flat, 0, 28, False)
    assert detector.started_at == -1
    flat = array("h", [0, 256, 0] * 8)
    detector.feed(flat, 0, 8, False)
    assert detector.started_at == 0
