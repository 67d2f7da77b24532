"""EPCIS events, by GS1's schema, by what the schema misses, and by a program that is not ours."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from epcis_event_hash_generator.dl_normaliser import normaliser
from epcis_event_hash_generator.hash_generator import calculate_hashes_from_pre_hashes, derive_prehashes_from_events
from epcis_event_hash_generator.json_to_py import event_list_from_epcis_document_json
from hypothesis import given
from hypothesis import strategies as st

from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.legs import Milestone
from celltrail.evaluate.milestones import load_milestones
from celltrail.evaluate.rules import rules_as_armed, rules_of_profile
from celltrail.evaluate.timeline import Moment
from celltrail.evidence.trail import write_trail
from celltrail.exchange.epcis import PREFIXES, STEPS, Names, epcis_document
from celltrail.exchange.epcis_hash import canonical, event_id
from celltrail.exchange.places import Place, Places, load_places
from celltrail.exchange.uris import check_digit, checked_uri
from celltrail.plans.profile import load_profile
from celltrail_protocol import codes
from celltrail_protocol.names import MARK_NAMES
from tests.host.evaluating import TENTHS, begun, closed, put, read, rules_of
from tests.host.forge import TMP117, Forge, five_days

EPCIS = Path(__file__).parents[2] / ".." / "shared" / "data" / "epcis"
GOLDEN = Path(__file__).parent / "golden"
NOW_MS = 1_742_000_000_000
SSCC = "https://id.gs1.org/00/095060001343520017"
PLACES = Places(
    {
        "Leipzig": Place("Leipzig", "https://id.gs1.org/414/9506000134307", "Europe/Berlin"),
        "LEJ": Place("LEJ", "https://id.gs1.org/414/9506000134314", "+05:30"),
    }
)
UNITS = {"CEL", "K40", "MTS", "SEC", "C62"}


def document(checked, places=PLACES, names=Names((SSCC,)), rules=None, **more):
    return epcis_document(evaluate(checked, rules or rules_as_armed(checked.record), **more), places, names, NOW_MS)


def events_of(made):
    return made["epcisBody"]["eventList"]


# The checks


def schema_faults(made):
    path = EPCIS / "epcis-json-schema-2.0.1.json"
    if not path.exists():
        pytest.skip("needs ../shared/data/epcis")
    checker = jsonschema.Draft7Validator(json.loads(path.read_text()), format_checker=jsonschema.FormatChecker())
    return [error.message[:200] for error in checker.iter_errors(made)]


def more_faults(made):
    """What the schema lets pass."""
    found = []
    for event in events_of(made):
        if not event.get("epcList"):
            found.append("no epcList")
        found += [f"check digit of {one}" for one in uris(event) if not is_good_key(one)]
        for element in event.get("sensorElementList", []):
            metadata = element.get("sensorMetadata", {})
            if metadata.get("startTime", "") > metadata.get("endTime", "9"):
                found.append("starts after its end")
            for report in element["sensorReport"]:
                found += report_faults(report)
    return found


def report_faults(report):
    found = []
    numbers = {key for key in report if key in ("value", "minValue", "maxValue", "meanValue", "sDev", "percValue")}
    if report.get("minValue", -1e9) > report.get("maxValue", 1e9):
        found.append("min above max")
    if len(report.get("hexBinaryValue", "")) % 2:
        found.append("odd hex")
    if "uom" in report and (report["uom"] not in UNITS or not numbers):
        found.append(f"uom {report['uom']}")
    if "component" in report and not {"value", "uom"} <= report.keys():
        found.append("component without value")
    if ("percRank" in report) != ("percValue" in report):
        found.append("half a percentile")
    return found


def uris(value):
    if isinstance(value, dict):
        return [one for inner in value.values() for one in uris(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in uris(inner)]
    return [value] if isinstance(value, str) and value.startswith("https://id.gs1.org/") else []


def is_good_key(uri):
    digits = uri.split("/")[4]
    return digits[-1] == check_digit(digits[:-1])


def by_another_program(made):
    texts = derive_prehashes_from_events(event_list_from_epcis_document_json(copy.deepcopy(made)))
    return texts, calculate_hashes_from_pre_hashes(texts)


def assert_good(made):
    texts, names = by_another_program(made)
    assert [event["eventID"] for event in events_of(made)] == names
    assert [canonical(event, PREFIXES) for event in events_of(made)] == texts
    assert more_faults(made) == []
    assert schema_faults(made) == []


# Whole trips


def eventful():
    """Two channels, all kinds of marks, shocks, alarms, a gap, excursions on both sides."""
    forge = begun(channels=(TMP117, TENTHS), alarms=[[0, 0, 0, 1024, 60]], shock=[10_000, 1250, 50, 16, 48, 4])
    wave = [0] * 16 + [0, 120, 340, 200, -150, -20] + [0] * 42
    for number, kind in enumerate(MARK_NAMES):
        slot = number * 30
        celsius = [5.0 + number % 4, *[5.0] * 28, 0.5 if number % 5 == 0 else 6.0]
        forge.readings(slot, [round(one * 128) for one in celsius])
        put(forge, [*celsius[:20], None, *celsius[21:]], slot=slot, channel=1)
        forge.now_ms += 1000
        if number % 3 == 0:
            forge.shock([wave, [-one for one in wave], wave], pre=16)
            forge.alarm(0, 0, 1030 + number, slot + 29)
        forge.mark(kind, "LEJ" if number % 2 else "Leipzig")
    return forge


def test_an_eventful_trip():
    checked = closed(eventful())
    made = document(checked, rules=rules_of_profile(load_profile("2-8C"), 2))
    assert_good(made)
    steps = [event.get("bizStep") for event in events_of(made)]
    assert steps == [*(STEPS.get(name) for name in MARK_NAMES.values()), "sensor_reporting"]
    alarms = [
        report
        for event in events_of(made)
        for element in event.get("sensorElementList", [])
        for report in element["sensorReport"]
        if report.get("exception") == "ALARM_CONDITION"
    ]
    excursions = evaluate(checked, rules_of_profile(load_profile("2-8C"), 2)).excursions
    assert len(alarms) == len(excursions) + len(checked.record.alarms)


def test_the_golden_document(tmp_path):
    write_trail(tmp_path / "trip.trail", five_days().closed_parts())
    made = document(read(five_days().closed_parts()))
    text = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
    assert text == (GOLDEN / "trip-epcis.jsonld").read_text(encoding="utf-8")
    assert_good(made)


def test_a_trip_without_marks_has_one_event_with_all():
    forge = begun()
    put(forge, [5.0] * 10 + [9.0] * 5 + [5.0] * 10)
    made = document(closed(forge), rules=rules_of_profile(load_profile("WHO-TR07-2"), 1))
    assert [event["bizStep"] for event in events_of(made)] == ["sensor_reporting"]
    assert_good(made)


def test_what_was_inferred_is_no_event():
    forge = begun()
    wave = [0] * 16 + [0, 120, 340, 200, -150, -20] + [0] * 42
    put(forge, [5.0] * 300)
    forge.shock([wave] * 3, pre=16)
    put(forge, [5.0] * 300, slot=300)
    checked = closed(forge)
    assert any(leg.basis == "inferred" for leg in evaluate(checked, rules_of()).legs)
    made = document(checked)
    assert [event["bizStep"] for event in events_of(made)] == ["sensor_reporting"]
    assert "inferred" not in json.dumps(made)
    assert_good(made)


def test_milestones_of_others_end_legs_and_keep_their_zone(tmp_path):
    forge = begun()
    put(forge, [5.0] * 200)
    path = tmp_path / "m.csv"
    path.write_text("utc,event,place\n2025-03-01T09:00:00Z,departing,LEJ\n2025-03-01T10:00:00Z,lunch,Nowhere\n")
    made = document(closed(forge), milestones=load_milestones(path))
    first, second, _ = events_of(made)
    assert (first["bizStep"], first["eventTimeZoneOffset"]) == ("departing", "+05:30")
    assert "bizStep" not in second
    assert "readPoint" not in second
    (report,) = [one for one in first["sensorElementList"][0]["sensorReport"] if one["type"] == "celltrail:LegBasis"]
    assert report["stringValue"] == "stated"
    assert_good(made)


def test_a_trip_without_clock_is_refused():
    forge = Forge(channels=(TENTHS,))
    forge.begin()
    put(forge, [5.0] * 10)
    with pytest.raises(UsageFault, match="no clock was set"):
        document(closed(forge))


def test_a_trip_without_readings():
    forge = begun()
    put(forge, [None] * 10)
    assert_good(document(closed(forge)))


def test_names_of_our_own_where_none_are_given():
    made = document(read(five_days().closed_parts()), Places(), Names())
    assert events_of(made)[0]["epcList"] == ["urn:x-celltrail:trip:e66118604b3f2a91:3"]
    assert "readPoint" not in events_of(made)[0]
    assert_good(made)


@pytest.mark.parametrize(("kind", "place"), [(codes.MARK_DELIVERED, "LEJ"), (codes.MARK_LOADED, None)])
def test_where_a_trip_ended_is_said_only_when_the_parcel_stayed(kind, place):
    forge = begun()
    put(forge, [5.0] * 10)
    forge.now_ms += 1000
    forge.mark(kind, "LEJ")
    put(forge, [5.0] * 10, slot=10)
    last = events_of(document(closed(forge)))[-1]
    assert last.get("readPoint") == (None if place is None else {"id": PLACES.by_name[place].uri})
    assert last["eventTimeZoneOffset"] == ("+00:00" if place is None else "+05:30")


def test_an_inspection_tells_its_outcome():
    forge = begun()
    put(forge, [5.0] * 10)
    forge.frame(0x30, forge.now_ms + 1, codes.MARK_INSPECTED, codes.OUTCOME_FAIL, 1, b"OP", b"LEJ", b"")
    put(forge, [5.0] * 10, slot=10)
    made = document(closed(forge))
    assert (events_of(made)[0]["bizStep"], events_of(made)[0]["disposition"]) == ("inspecting", "non_conformant")
    assert_good(made)


def test_the_checks_see_faults():
    """The checks of this file find what they are for."""
    good = document(read(five_days().closed_parts()))
    for change in (
        {"epcList": []},
        {"epcList": ["https://id.gs1.org/00/095060001343520011"]},
        {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "minValue": 2, "maxValue": 1}]}]},
        {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 2, "uom": "degC"}]}]},
        {"sensorElementList": [{"sensorReport": [{"type": "Acceleration", "maxValue": 2, "component": "x"}]}]},
        {"sensorElementList": [{"sensorReport": [{"type": "celltrail:RawDigest", "hexBinaryValue": "abc"}]}]},
    ):
        bad = copy.deepcopy(good)
        events_of(bad)[1].update(change)
        assert more_faults(bad)


# Hashes


def test_the_canonical_text_is_that_of_the_golden_files():
    path = EPCIS / "hash-golden" / "epcisDocWithSensorDataObjectEvent.jsonld"
    if not path.exists():
        pytest.skip("needs ../shared/data/epcis")
    expected = path.with_suffix(".prehashes").read_text().strip()
    (event,) = events_of(json.loads(path.read_text()))
    event = with_links(event)
    assert canonical(event, {}) == expected
    assert event_id(event, {}) == path.with_suffix(".hashes").read_text().strip()


def with_links(value):
    """Its URNs as the Digital Links that our own events have."""
    if isinstance(value, dict):
        return {key: with_links(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_links(one) for one in value]
    return normaliser(value) or value if isinstance(value, str) else value


def test_a_known_name():
    """The figure of the golden file, so that it stands here as well."""
    event = {
        "type": "ObjectEvent", "eventTime": "2022-02-16T15:00:00.000+01:00", "eventTimeZoneOffset": "+01:00",
        "epcList": ["https://id.gs1.org/01/04012345111118/21/9876"], "action": "OBSERVE", "bizStep": "inspecting",
    }  # fmt: skip
    assert canonical(event, {}) == (
        "eventType=ObjectEventeventTime=2022-02-16T14:00:00.000ZeventTimeZoneOffset=+01:00epcList"
        "epc=https://id.gs1.org/01/04012345111118/21/9876action=OBSERVE"
        "bizStep=https://ref.gs1.org/cbv/BizStep-inspecting"
    )


@pytest.mark.parametrize("change", [{"ilmd": {}}, {"readPoint": {"id": "urn:x", "more": 1}}, {"parentID": "urn:x"}])
def test_a_field_without_known_form_is_refused(change):
    event = {"type": "ObjectEvent", "eventTime": "2022-02-16T15:00:00Z", "action": "OBSERVE"} | change
    with pytest.raises(ValueError, match="no canonical form"):
        canonical(event, {})


@given(st.lists(st.floats(-200, 200).map(lambda one: round(one, 4)), min_size=1, max_size=5))
def test_numbers_are_written_as_the_other_program_does(values):
    reports = [{"type": "Temperature", "value": value, "uom": "CEL"} for value in values]
    event = {
        "type": "ObjectEvent", "eventTime": "2022-02-16T15:00:00.000Z", "eventTimeZoneOffset": "+01:00",
        "epcList": [SSCC], "action": "OBSERVE", "sensorElementList": [{"sensorReport": reports}],
    }  # fmt: skip
    made = {"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument",
            "schemaVersion": "2.0", "epcisBody": {"eventList": [event]}}  # fmt: skip
    assert by_another_program(made)[0] == [canonical(event, {})]


# Places and names


def test_the_offset_is_that_of_the_place_on_that_day():
    brussels = Place("BRU", "", "Europe/Brussels")
    winter, summer = (datetime(2025, month, 1, tzinfo=UTC).timestamp() * 1000 for month in (1, 7))
    assert (brussels.offset_at(winter), brussels.offset_at(summer)) == ("+01:00", "+02:00")
    assert Place("DFW", "", "America/Chicago").offset_at(winter) == "-06:00"
    assert Place("X").offset_at(winter) == "+00:00"


def test_an_event_of_epcis_brings_its_own_place():
    one = Milestone(
        Moment(None, 0.0, 0.0), "departing", "milestone", "https://id.gs1.org/414/9506000134307", "", "+09:00"
    )
    assert Places().of(one) == Place(one.place, one.place, "+09:00")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("place,uri\nBRU,x\n", "its header must be place,uri,zone"),
        ("place,uri,zone\n,,\n", "row 2: has no place"),
        ("place,uri,zone\nBRU,Brussels airport,\n", "row 2: 'Brussels airport' is not a URI"),
        ("place,uri,zone\nBRU,,Europe/Atlantis\n", "row 2: 'Europe/Atlantis' is not a time zone"),
        ("place,uri,zone\nBRU,,+25:00\n", "row 2: '+25:00' is not a time zone"),
        ("place,uri,zone\nBRU,https://id.gs1.org/414/9506000134308,\n", "would be 7"),
    ],
)
def test_places_that_make_no_sense_are_refused_in_words(tmp_path, text, complaint):
    path = tmp_path / "places.csv"
    path.write_text(text)
    with pytest.raises(UsageFault) as caught:
        load_places(path)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [SSCC, "https://id.gs1.org/01/04012345111118/21/9876", "https://id.gs1.org/414/9506000134307/254/dock-7",
     "https://id.gs1.org/8004/9506000134001", "https://id.gs1.org/8003/09506000134352A7",
     "urn:uuid:1b4e28ba-2fa1-11d2-883f", "https://example.org/log/1.trail"],
)  # fmt: skip
def test_good_names_are_hashed_as_they_stand(uri):
    assert checked_uri("--epc", uri) == uri
    event = {"type": "ObjectEvent", "eventTime": "2022-02-16T15:00:00Z", "eventTimeZoneOffset": "+00:00",
             "epcList": [uri], "action": "OBSERVE"}  # fmt: skip
    made = {"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument",
            "schemaVersion": "2.0", "epcisBody": {"eventList": [event]}}  # fmt: skip
    assert by_another_program(made)[0] == [canonical(event, {})]


@pytest.mark.parametrize(
    "uri",
    ["", "parcel 7", "urn:epc:id:sscc:9506000.1343520017", "https://id.gs1.org/00/095060001343520011",
     "https://id.gs1.org/00/09506000134352001", "https://id.gs1.org/00/095060001343520017/21/5",
     "https://id.gs1.org/01/4012345111118", "https://example.org/01/04012345111118/21/9876",
     "https://id.gs1.org/8888/1", "https://id.gs1.org/01/04012345111118/10/A/21/9876", "https://id.gs1.org/00",
     "https://id.gs1.org/00/09506000134352001\u0667"],
)  # fmt: skip
def test_names_that_others_would_write_differently_are_refused(uri):
    with pytest.raises(UsageFault):
        checked_uri("--epc", uri)


# The command


def test_the_command(tmp_path, keys, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_trail(tmp_path / "trip.trail", five_days().closed_parts())
    (tmp_path / "places.csv").write_text("place,uri,zone\nLEJ,https://id.gs1.org/414/9506000134314,Europe/Berlin\n")
    words = ["export", "epcis", "trip.trail", "-o", "out.jsonld", "--keys", str(keys.folder)]
    assert run([*words, "--epc", SSCC, "--places", "places.csv"]) == 0
    err = capsys.readouterr().err
    assert "no URI is known for Leipzig; name it in --places" in err
    made = json.loads((tmp_path / "out.jsonld").read_text(encoding="utf-8"))
    assert events_of(made)[1]["readPoint"] == {"id": "https://id.gs1.org/414/9506000134314"}
    assert_good(made)
    assert run([*words, "--epc", "parcel"]) == 2
    assert run([*words[:3], "-o", "trip.trail"]) == 2
