"""ONE Record objects, by shapes made from the ontology, and by the properties that it declares."""

import json
from pathlib import Path

import pytest
import rdflib
from pyshacl import validate
from rdflib import OWL, RDF, RDFS

from celltrail.cli.main import run
from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.rules import rules_as_armed, rules_of_profile
from celltrail.evidence.trail import write_trail
from celltrail.exchange.onerecord import CONTEXT, onerecord_document, status_code
from celltrail.exchange.places import Places
from celltrail.plans.profile import load_profile
from tests.host.evaluating import TENTHS, begun, closed, put, read
from tests.host.forge import Forge, five_days
from tests.host.test_export_epcis import PLACES, eventful

ONE_RECORD = Path(__file__).parents[2] / ".." / "shared" / "data" / "onerecord"
GOLDEN = Path(__file__).parent / "golden"
CARGO = rdflib.Namespace(CONTEXT["cargo"])
# What our objects use of the ontology, as it was read there: classes with their properties.
DECLARED = {
    "Piece": {"attachedIotDevices", "specialHandlingCodes", "events"},
    "IotDevice": {"name", "serialNumber", "deviceModel", "description", "attachedToObject", "connectedSensors",
                  "externalReferences"},
    "Sensor": {"name", "description", "sensorType", "partOfIotDevice", "measurements", "events"},
    "Measurement": {"measurementTimestamp", "measurementValue"},
    "Value": {"numericalValue", "unit"},
    "ExternalReference": {"documentName", "documentType", "documentIdentifier", "documentLink", "checksum",
                          "referenceForObjects"},
    "LogisticsEvent": {"eventName", "eventDate", "eventTimeType", "eventFor", "eventCode", "eventLocation"},
    "Location": {"locationName"},
}  # fmt: skip


@pytest.fixture(scope="module")
def ontology():
    folder = ONE_RECORD / "2025-07_v3.2"
    if not folder.exists():
        pytest.skip("needs ../shared/data/onerecord")
    graph = rdflib.Graph()
    for name in ("IATA-1R-DM-Ontology.ttl", "IATA-1R-CL-Ontology.ttl"):
        graph.parse(folder / name)
    return graph


def document(checked, places=PLACES, rules=None, **more):
    return onerecord_document(evaluate(checked, rules or rules_as_armed(checked.record)), places, **more)


def graph_of(made):
    return rdflib.Graph().parse(data=json.dumps(made), format="json-ld")


def assert_conforms(made, ontology):
    graph = graph_of(made)
    known = set(ontology.subjects())
    for subject, predicate, object_ in graph:
        for name in (predicate, object_):
            if str(name).startswith("https://onerecord.iata.org/"):
                assert name in known or (name, RDF.type, None) in graph, f"{name} of {subject} is not declared"
    for triple in ontology.triples((None, RDFS.subClassOf, None)):
        if isinstance(triple[2], rdflib.URIRef):
            graph.add(triple)
    for subject, kind in ontology.subject_objects(RDF.type):
        if (subject, RDF.type, OWL.NamedIndividual) in ontology:
            graph.add((subject, RDF.type, kind))
    good, _, text = validate(graph, shacl_graph=str(ONE_RECORD / "GENERATED-shapes-from-DM-3.2.ttl"), inference="none")
    assert good, text


def test_an_eventful_trip_conforms(ontology):
    checked = closed(eventful())
    assert_conforms(document(checked, rules=rules_of_profile(load_profile("2-8C"), 2)), ontology)


def test_all_readings_conform_as_well(ontology):
    forge = begun()
    put(forge, [5.0, 5.1, None, 9.0])
    made = document(closed(forge), series=True)
    assert len(nodes(made, "Measurement")) == 3 + 4
    assert_conforms(made, ontology)


@pytest.mark.parametrize("celsius", [[None] * 5, [5.0]])
def test_little_conforms_as_well(ontology, celsius):
    forge = begun()
    put(forge, celsius)
    assert_conforms(document(closed(forge), Places()), ontology)


def test_a_trip_without_clock_conforms(ontology):
    forge = Forge(channels=(TENTHS,))
    forge.begin()
    put(forge, [5.0] * 10)
    made = document(closed(forge))
    assert nodes(made, "Measurement") == []
    assert_conforms(made, ontology)


def test_the_checks_see_faults(ontology):
    for change in (
        {"cargo:weather": "rain"},
        {"cargo:serialNumber": 5},
        {"cargo:sensorType": {"@id": "cargo:BAROMETER"}},
    ):
        made = document(read(five_days().closed_parts()))
        next(one for one in made["@graph"] if one["@type"] == "cargo:IotDevice").update(change)
        with pytest.raises(AssertionError):
            assert_conforms(made, ontology)


def nodes(value, kind):
    """All objects of a kind, wherever they stand."""
    if isinstance(value, list):
        return [one for inner in value for one in nodes(inner, kind)]
    if not isinstance(value, dict):
        return []
    mine = [value] if value.get("@type") == f"cargo:{kind}" else []
    return mine + [one for inner in value.values() for one in nodes(inner, kind)]


def test_only_declared_properties_are_used():
    """The same without the ontology at hand."""
    made = document(closed(eventful()), rules=rules_of_profile(load_profile("2-8C"), 2))
    for kind, properties in DECLARED.items():
        found = nodes(made, kind)
        assert found
        for one in found:
            assert {key.removeprefix("cargo:") for key in one if not key.startswith("@")} <= properties
    assert {one["@type"] for one in made["@graph"]} <= {
        *(f"cargo:{kind}" for kind in DECLARED),
        "ccodes:MeasurementUnitCode",
    }


def test_numbers_are_doubles_and_times_are_utc():
    made = document(closed(eventful()))
    for one in nodes(made, "Value"):
        number = one["cargo:numericalValue"]
        assert number["@type"] == "xsd:double"
        assert "." in number["@value"]
    for one in nodes(made, "Measurement"):
        assert one["cargo:measurementTimestamp"]["@value"].endswith("Z")


def test_no_object_has_two_values():
    graph = graph_of(document(closed(eventful()), rules=rules_of_profile(load_profile("2-8C"), 2)))
    for one in graph.subjects(RDF.type, CARGO.Value):
        assert len(list(graph.objects(one, CARGO.numericalValue))) == 1


def test_the_golden_document():
    made = document(read(five_days().closed_parts()))
    text = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
    assert text == (GOLDEN / "trip-onerecord.jsonld").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("events", "codes"),
    [
        (["packed", "handed-over", "received", "stored", "loaded", "unloaded", "received", "delivered"],
         ["", "DPU", "RCS", "FIW", "MAN", "RCF", "RCF", "DLV"]),
        (["handed-over", "handed-over"], ["DPU", ""]),
        (["customs-hold", "customs-cleared", "departed", "arrived", "free"], ["TGC", "CCD", "DEP", "ARR", ""]),
    ],
)  # fmt: skip
def test_status_codes(events, codes):
    assert [status_code(one, events[:i]) for i, one in enumerate(events)] == codes


def test_status_codes_are_of_the_code_list(ontology):
    for code in ("DPU", "RCS", "RCF", "TGC", "CCD", "FIW", "MAN", "DLV", "DEP", "ARR"):
        assert (rdflib.URIRef(f"{CONTEXT['ccodes']}StatusCode#{code}"), RDF.type, None) in ontology


def test_the_command(tmp_path, keys, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_trail(tmp_path / "trip.trail", five_days().closed_parts())
    words = ["export", "onerecord", "trip.trail", "-o", "out.jsonld", "--keys", str(keys.folder)]
    assert run([*words, "--piece", "https://1r.example.com/logistics-objects/p7"]) == 0
    assert "wrote out.jsonld" in capsys.readouterr().err
    made = json.loads((tmp_path / "out.jsonld").read_text(encoding="utf-8"))
    assert nodes(made, "Piece")[0]["@id"] == "https://1r.example.com/logistics-objects/p7"
    assert run([*words, "--piece", "p7"]) == 2
