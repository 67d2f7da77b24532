"""The codec against the golden vectors of sectors, files, tags and keys; runs on both runtimes."""

from binascii import crc32, hexlify
from hashlib import sha256

from celltrail_protocol import cbor, frames, records, seals
from celltrail_protocol.layout import names, pack, size, unpack
from tests.protocol.vector_files import SECTOR_SIZE, assembled, data_of, each, refuses, same, untagged
from tests.protocol.vector_records import RECORDS, unpack_journal, unpack_store

# --- sectors ---


def keys_up_to(k0, epoch):
    keys = [k0]
    while len(keys) <= epoch:
        keys.append(seals.next_key(keys[-1]))
    return keys


def check_scan(vector, sector):
    journal = vector["area"] == "journal"
    start = records.JOURNAL_FRAMES_AT if journal else records.FRAMES_AT
    end = SECTOR_SIZE if journal else records.FRAMES_END
    found, damaged, used = frames.scan_all(sector, start, end, vector["sequence"], journal)
    assert [[at, kind, last - first] for at, kind, first, last in found] == vector["frames"]
    assert [list(place) for place in damaged] == vector["damaged"]
    assert used == vector["end"]
    return found


def check_checkpoints(vector, sector, found):
    right = []
    for at, kind, first, last in found:
        if kind == frames.CHECKPOINT:
            epoch, _, _, tag = unpack(frames.TABLES[kind], sector, first, last)
            key = keys_up_to(data_of({"hex": vector["k0"]}), epoch)[epoch]
            covered = bytes(sector[: at + frames.CHECKPOINT_TAGGED])
            right.append(seals.checkpoint_tag(key, vector["trip"], epoch, covered) == tag)
    assert right == vector["checkpoints"]


def seal_state(vector, sector, found):
    """None without a seal, else whether it is good or forged."""
    for at in (records.SEAL_A_AT, records.SEAL_B_AT):
        seal = records.unpack_checked(records.SEAL, sector, at, records.MAGIC_SEAL)
        if seal is not None:
            assert (seal[5], seal[6]) == (vector["end"], len(found))
            key = keys_up_to(data_of({"hex": vector["k0"]}), seal[2])[seal[2]]
            area, fields = bytes(sector[: records.FRAMES_END]), bytes(sector[at : at + records.SEAL_TAGGED])
            right = seals.seal_tag(key, vector["trip"], seal[2], area, fields) == seal[9]
            return "good" if right else "forged"
    return vouched_seal(vector, sector, found) if "next" in vector else None


def vouched_seal(vector, sector, found):
    """Whether the seal is good that the sector would have, and that the next header vouches for."""
    own = records.unpack_checked(records.HEADER, sector, records.HEADER_AT, records.MAGIC_HEADER)
    after = records.unpack_checked(records.HEADER, data_of({"hex": vector["next"]}), 0, records.MAGIC_HEADER)
    epoch = after[7] - 1
    values = (records.MAGIC_SEAL, own[4], epoch, records.SEAL_FULL, 0, vector["end"], len(found), 0, own[8])
    fields = pack((records.SEAL[0], 1, records.SEAL[2][:-2]), values)
    key = keys_up_to(data_of({"hex": vector["k0"]}), epoch)[epoch]
    tag = seals.seal_tag(key, vector["trip"], epoch, bytes(sector[: records.FRAMES_END]), fields)
    return "good" if tag[:8] == after[11] else "forged"


def check_ring_sector(vector):
    sector = assembled(vector["pieces"])
    header = records.unpack_checked(records.HEADER, sector, records.HEADER_AT, records.MAGIC_HEADER)
    assert header[4:6] == (vector["sequence"], vector["trip"])
    found = check_scan(vector, sector)
    check_checkpoints(vector, sector, found)
    assert seal_state(vector, sector, found) == vector["seal"]


def test_ring_sectors():
    each("sectors", check_ring_sector, 12, area="ring")
    each("sectors", check_ring_sector, 11, valid=False, area="ring")


def test_journal_sectors():
    def check(vector):
        sector = assembled(vector["pieces"])
        table, magic = RECORDS["journal_header"]
        header = records.unpack_checked(table, sector, records.HEADER_AT, magic)
        assert header[1:3] == (vector["sequence"], vector["trip"])
        check_scan(vector, sector)

    each("sectors", check, 3, area="journal")


def test_store_sectors():
    def check(vector):
        sector = bytes(assembled(vector["pieces"]))
        for at, kind, number, length in vector["records"]:
            head, payload = unpack_store(sector[at:])
            assert (head[1], head[4], len(payload)) == (kind, number, length)

    each("sectors", check, 2, area="store")


def test_key_sectors():
    def check(vector):
        sector = assembled(vector["pieces"])
        table, magic = RECORDS["key_slot"]
        places = [page + slot for page in range(0, 4096, 256) for slot in range(16, 256, records.KEY_SLOT_SIZE)]
        slots = [(at, records.unpack_checked(table, sector, at, magic)) for at in places]
        valid = [[at, slot[1], slot[2]] for at, slot in slots if slot is not None]
        assert valid == vector["slots"]
        now = max([slot[1:4] for _, slot in slots if slot is not None])
        assert hexlify(now[2]).decode() == vector["now"]

    each("sectors", check, 1, area="keys")


# --- files ---


def read_pending(data, channels):
    """The entries of a pending file."""
    entries, at = [], 0
    entry = ("entry", 1, (("payload", "p", ""),))
    while at < len(data):
        payload = unpack(entry, data, at)[0]
        entries.append(unpack_journal(payload, channels))
        at += 1 + len(payload)
    return entries


def test_pending_files():
    def check(vector):
        assert read_pending(data_of(vector), vector["channels"]) == vector["readings"]

    def check_broken(vector):
        assert refuses(read_pending, data_of(vector), vector["channels"])

    each("pending", check, 3)
    each("pending", check_broken, 3, valid=False)


def test_trail_files():
    def check(vector):
        file = bytes(assembled(vector["pieces"], vector["size"]))
        assert hexlify(sha256(file).digest()).decode() == vector["sha256"]
        assert records.unpack_checked(records.TRAIL_HEADER, file, 0, records.MAGIC_TRAIL) is not None
        at = size(records.TRAIL_HEADER)
        for tag, start, length in vector["sections"]:
            fields = unpack(records.TRAIL_SECTION, file, at)
            read = {name: fields[i] for i, name in enumerate(names(records.TRAIL_SECTION))}
            assert (read["tag"], read["length"]) == (tag.encode(), length)
            end = start + length
            assert crc32(file[start:end], crc32(file[at : start - 4])) == read["crc32"]
            if tag == "META":
                assert same(cbor.loads(file[start:end]), untagged(vector["meta"]))
            if tag == "DONE":
                assert sha256(file[:at]).digest() == file[start:end]
            at = end
        assert at == len(file)

    each("trails", check, 6)


# --- tags and keys ---


BYTES = ("key", "message", "start", "covered", "nonce", "open", "pending", "dn", "hn", "body")


def proven_tag(vector):
    """The tag that the codec makes for a proofs vector."""
    part = {name: data_of({"hex": vector[name]}) for name in BYTES if name in vector}
    number = vector.get
    if vector["proof"] == "hmac":
        return seals.hmac_sha256(part["key"], part["message"])
    if vector["proof"] == "seal":
        area = bytes((number("fill"),)) * records.FRAMES_END
        return seals.seal_tag(part["key"], number("trip"), number("epoch"), area, part["start"])
    if vector["proof"] == "checkpoint":
        return seals.checkpoint_tag(part["key"], number("trip"), number("epoch"), part["covered"])
    if vector["proof"] == "live":
        place = [number(name) for name in ("trip", "epoch", "index", "used")]
        return seals.live_mac(part["key"], part["nonce"], *place, part["open"], part["pending"])
    role, head = number("role").encode(), (number("command"), number("counter"))
    return seals.command_mac(part["key"], role, *head, part["dn"], part["hn"], part["body"])


def test_tags():
    for proof, least in (("hmac", 4), ("seal", 2), ("checkpoint", 3), ("live", 3), ("command", 4)):

        def check(vector):
            assert hexlify(proven_tag(vector)).decode() == vector["tag"]

        each("proofs", check, least, proof=proof)


def test_rotations():
    def check(vector):
        key, new, dn, hn = [data_of({"hex": vector[name]}) for name in ("key", "new", "dn", "hn")]
        masked = seals.mask_key(new, key, dn, hn)
        assert hexlify(masked).decode() == vector["masked"]
        assert seals.mask_key(masked, key, dn, hn) == new
        assert hexlify(seals.rotation_check(new, dn, hn)).decode() == vector["check"]
        assert hexlify(seals.key_id(new)).decode() == vector["kid"]

    each("proofs", check, 4, proof="rotation")


def test_tags_of_other_things():
    def check(vector):
        assert not seals.same(proven_tag(vector), data_of({"hex": vector["tag"]}))

    each("proofs", check, 7, valid=False)


def test_ratchet():
    def check(vector):
        keys = [data_of({"hex": key}) for key in vector["keys"]]
        assert keys_up_to(keys[0], len(keys) - 1) == keys
        assert hexlify(seals.commitment(keys[0])).decode() == vector["commitment"]

    each("proofs", check, 3, proof="ratchet")
