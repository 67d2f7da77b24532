"""SMP over notifications: fragments, what may be under way, foreign clients, and connections that are ended."""

from celltrail_protocol import cbor, smp
from logger.caller import Caller
from logger.prover import Prover
from logger.radio_link import Gatherer, RadioLink, chunk_for, fragment_for

READ = smp.OP_READ
MINUTE = 60000


class Radio:
    """Takes `room` notifications at a time; `sent` is what it took."""

    def __init__(self, payload=244):
        self.number = 1
        self.size = payload
        self.incoming = b""
        self.lost = False
        self.sent = []
        self.room = 1 << 20
        self.ended = 0

    def connection(self):
        return self.number

    def payload(self):
        return self.size

    def read(self):
        data, self.incoming = self.incoming, b""
        if self.lost:
            self.lost = False
            return None
        return data

    def notify(self, data):
        if self.room <= 0:
            return False
        self.room -= 1
        self.sent.append(bytes(data))
        return True

    def disconnect(self):
        self.ended += 1


class Files:
    given = 0


class Server:
    """Answers with its request's sequence; a download gives the caller's chunk, anything else `size` bytes."""

    def __init__(self, files):
        self.files = files
        self.seen = []
        self.size = 1
        self.refuse = False

    def answer(self, message, caller):
        _, _, _, _, group, sequence, command = smp.parse_header(message)
        self.seen.append(sequence)
        body = cbor.dumps({"r": bytes(self.size)})
        if (group, command) == (smp.GROUP_FS, smp.FS_DOWNLOAD) and not self.refuse:
            self.files.given += caller.chunk
            body = cbor.dumps({"off": 70000, "data": bytes(caller.chunk)})
        return smp.pack_header(READ + 1, 1, group, sequence, command, len(body)) + body


def make(payload=244):
    radio, files = Radio(payload), Files()
    caller = Caller(Prover(lambda n: bytes(n)))
    server = Server(files)
    link = RadioLink(radio, files, caller, server)
    link.poll(0)
    return radio, link, server


def request(sequence, body=None, group=smp.GROUP_OS, command=smp.OS_ECHO):
    data = cbor.dumps(body or {})
    return smp.pack_header(READ, 1, group, sequence, command, len(data)) + data


def download(sequence, ack=None):
    body = {"off": 70000, "name": "/trip/1"}
    if ack is not None:
        body["ack"] = ack
    return request(sequence, body, smp.GROUP_FS, smp.FS_DOWNLOAD)


def status(ack=None):
    return request(99, {} if ack is None else {"ack": ack}, smp.GROUP_CELLTRAIL, smp.CMD_STATUS)


def settle(link, now_ms=0):
    """Poll until it wants to come later."""
    for _ in range(100):
        again_ms = link.poll(now_ms)
        if again_ms is None or again_ms > now_ms:
            return again_ms
    raise AssertionError("it never rests")


def answered(radio):
    """The sequences of the answers, put together from the fragments."""
    data, found = b"".join(radio.sent), []
    while data:
        size = 8 + (data[2] << 8 | data[3])
        assert len(data) >= size
        found.append(data[6])
        data = data[size:]
    return found


def bytes_sent(radio):
    return sum([len(one) for one in radio.sent])


def test_fragments_fill_packets_of_the_air_and_chunks_fill_the_bound():
    assert [fragment_for(payload) for payload in (20, 182, 244, 250, 494, 495, 514)] == [
        20,
        182,
        244,
        244,
        244,
        495,
        495,
    ]
    for payload in range(20, 515):
        fragment = fragment_for(payload)
        chunk = chunk_for(fragment)
        answer = chunk + smp.DOWNLOAD_OVERHEAD
        assert answer % fragment == 0 and answer <= smp.CHUNK
        at_once = smp.UNACKNOWLEDGED // answer * answer
        assert at_once > 0.9 * smp.UNACKNOWLEDGED


def test_messages_span_writes_and_share_them():
    gatherer = Gatherer()
    one, two = request(1, {"d": "x" * 50}), request(2)
    assert gatherer.feed(one[:5], 0) == []
    assert gatherer.feed(one[5:30], 10) == []
    assert gatherer.feed(one[30:] + two + one[:3], 20) == [one, two]
    assert gatherer.feed(one[3:], 30) == [one]
    assert gatherer.is_empty() and gatherer.dropped == 0


def test_unfinished_message_is_dropped_when_nothing_follows():
    gatherer = Gatherer()
    assert gatherer.feed(request(1)[:6], 0) == []
    assert gatherer.feed(request(2), 3000) == [request(2)]
    assert gatherer.dropped == 1


def test_bytes_that_are_no_message_are_dropped():
    gatherer = Gatherer()
    assert gatherer.feed(b"\x01" + request(1)[1:], 0) == []
    assert gatherer.feed(b"\x02\x00\xff\xff\x00\x00\x00\x00garbage", 0) == []
    assert gatherer.feed(request(3), 0) == [request(3)]
    assert gatherer.dropped == 2


def test_answer_goes_out_in_fragments_when_the_radio_takes_them():
    radio, link, server = make(payload=20)
    server.size = 100
    radio.room = 2
    radio.incoming = request(1)
    assert link.poll(0) == 5
    assert [len(one) for one in radio.sent] == [20, 20]
    radio.room = 100
    assert settle(link, 5) > 100
    assert answered(radio) == [1]
    assert max([len(one) for one in radio.sent]) == 20


def test_downloads_never_have_more_than_the_bound_under_way():
    for payload in (20, 182, 244, 514):
        radio, link, _ = make(payload)
        radio.incoming = b"".join([download(i, 0) for i in range(30)])
        settle(link)
        assert 0.9 * smp.UNACKNOWLEDGED < bytes_sent(radio) <= smp.UNACKNOWLEDGED
        before, chunk = len(answered(radio)), chunk_for(fragment_for(payload))
        radio.incoming = download(30, 2 * chunk)
        settle(link)
        assert len(answered(radio)) == before + 2


def test_acknowledging_more_than_was_sent_gains_nothing():
    radio, link, _ = make()
    radio.incoming = download(0, 1 << 40)
    settle(link)
    radio.incoming = b"".join([download(i, 0) for i in range(1, 20)])
    settle(link)
    assert bytes_sent(radio) <= smp.UNACKNOWLEDGED


def test_status_request_is_no_way_around_the_bound():
    radio, link, _ = make()
    for _ in range(6):
        radio.incoming = b"".join([download(i, 0) for i in range(10)]) + status()
        settle(link)
    assert bytes_sent(radio) <= smp.UNACKNOWLEDGED


def test_status_request_that_acknowledges_begins_anew():
    radio, link, _ = make()
    radio.incoming = b"".join([download(i, 0) for i in range(8)])
    settle(link)
    assert len(answered(radio)) == 8
    radio.incoming = status(8 * chunk_for(244))
    settle(link)
    radio.incoming = b"".join([download(i, 0) for i in range(20, 27)])
    settle(link)
    assert answered(radio)[8:] == [99] + list(range(20, 27))


def test_short_answer_fits_beside_a_full_window():
    radio, link, server = make()
    server.size = 60
    radio.incoming = b"".join([download(i, 0) for i in range(8)])
    settle(link)
    radio.incoming = request(50)
    settle(link)
    assert answered(radio)[-1] == 50


def test_foreign_client_that_waits_is_answered_at_once_up_to_the_bound():
    radio, link, _ = make()
    for i in range(8):
        radio.incoming = download(i)
        settle(link)
    assert answered(radio) == list(range(8))
    assert bytes_sent(radio) <= smp.UNACKNOWLEDGED


def test_foreign_client_that_does_not_wait_gets_one_at_a_time():
    radio, link, _ = make()
    radio.incoming = b"".join([download(i) for i in range(5)])
    again_ms = settle(link)
    assert answered(radio) == [0]
    # The answer of 976 bytes is out for sure after 400 ms: 10 notifications a second.
    settle(link, 390)
    assert answered(radio) == [0]
    settle(link, 410)
    assert answered(radio) == [0, 1]
    assert again_ms <= 50


def test_flood_never_has_more_than_the_bound_under_way():
    for payload in (20, 244):
        radio, link, server = make(payload)
        server.size = 1000
        now_ms = 0
        for i in range(600):
            now_ms += 20
            radio.incoming = request(i & 0xFF) if i % 3 else download(i & 0xFF)
            link.poll(now_ms)
            sure = now_ms * 10 * fragment_for(payload) // 1000
            assert bytes_sent(radio) - sure <= smp.UNACKNOWLEDGED
        assert link.held() <= 8


def test_refused_download_counts_as_well():
    radio, link, server = make()
    server.refuse = True
    server.size = 1000
    for i in range(40):
        radio.incoming = download(i, 0)
        link.poll(i)
    assert bytes_sent(radio) <= smp.UNACKNOWLEDGED + 1100


def test_next_connection_begins_with_nothing():
    radio, link, _ = make()
    radio.incoming = b"".join([download(i, 0) for i in range(20)]) + request(1)[:5]
    settle(link)
    radio.number, radio.sent = 2, []
    radio.incoming = b"".join([download(i, 0) for i in range(40, 44)])
    settle(link, 20)
    assert answered(radio) == [40, 41, 42, 43]
    assert link.connections == 2
    assert link.dropped() == 1


def test_what_is_left_when_nobody_is_there_is_for_nobody():
    radio, link, _ = make()
    radio.number, radio.incoming = 0, request(1)
    assert link.poll(0) is None
    radio.number = 2
    settle(link, 10)
    assert radio.sent == []


def test_lost_input_is_told_and_what_follows_is_understood():
    radio, link, _ = make()
    radio.incoming = request(1)[:7]
    settle(link)
    radio.lost = True
    radio.incoming = b"cut off"
    settle(link)
    radio.incoming = request(2)
    settle(link)
    assert answered(radio) == [2]
    assert link.dropped() == 2


def test_silent_connection_is_ended():
    radio, link, _ = make()
    link._caller.proven = True
    assert link.poll(0) == MINUTE
    link.poll(MINUTE - 1)
    assert radio.ended == 0
    link.poll(MINUTE)
    link.poll(MINUTE + 1)
    assert radio.ended == 1
    assert not link.is_stuck
    link.poll(MINUTE + 5000)
    assert link.is_stuck


def test_anonymous_connection_is_ended_however_busy_and_a_proven_one_is_not():
    for proven in (False, True):
        radio, link, _ = make()
        link._caller.proven = proven
        for now_ms in range(0, 5 * MINUTE, 10000):
            radio.incoming = request(1)
            settle(link, now_ms)
        assert (radio.ended > 0) == (not proven)


def test_radio_that_takes_nothing_is_ended():
    radio, link, _ = make()
    radio.room = 0
    radio.incoming = request(1)
    link.poll(0)
    radio.incoming = request(2)
    link.poll(9999)
    assert radio.ended == 0
    link.poll(10000)
    assert radio.ended == 1


def test_endless_requests_leave_time_for_other_things():
    radio, link, server = make()
    radio.incoming = b"".join([download(i, 0) for i in range(8)])
    assert link.poll(0) == 0
    assert len(server.seen) <= 4
