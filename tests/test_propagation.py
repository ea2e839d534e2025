"""Values that cross a border between services, and which of them are accepted."""

import logging

import pytest
from hypothesis import given, strategies as st
from opentelemetry import baggage, context
from opentelemetry.baggage.propagation import W3CBaggagePropagator

from bc_events import Actor, EventClient, events
from bc_events.propagation import BROKER, HTTP, Border, Inbound, extract, inject

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Test", "Schema": {"type": "object"}}],
}


@pytest.fixture
def client():
    with EventClient(None, "PolicyService", TOPICS) as client:
        yield client


def test_the_live_job_goes_out_with_its_baggage(client):
    carrier = {}
    with events.session("job-1", client=client):
        inject(carrier)
    assert carrier == {"x-britecore-job-id": "job-1", "baggage": "bc-job-id=job-1"}


def test_nothing_goes_out_where_no_session_is_live():
    carrier = {}
    inject(carrier)
    assert carrier == {}


def test_the_job_in_baggage_goes_out_where_no_session_is_live():
    carrier = {}
    token = context.attach(baggage.set_baggage("bc-job-id", "job-2"))
    try:
        inject(carrier)
    finally:
        context.detach(token)
    assert carrier["x-britecore-job-id"] == "job-2"


def test_a_user_crosses_to_a_broker_and_not_to_http(client):
    message, request = {}, {}
    with events.user_context("cognito-user-1", client=client):
        inject(message, BROKER)
        inject(request, HTTP)
    assert extract(message, BROKER).actor == Actor("cognito-user-1", "user")
    assert not [name for name in request if "actor" in name]


def test_a_service_is_not_carried_on_because_the_receiver_acts_as_itself(client):
    message = {}
    with events.service_context(client=client):
        inject(message, BROKER)
    assert extract(message, BROKER).actor is None


def test_an_actor_that_no_header_can_hold_stays_behind_with_a_warning(client, caplog):
    message = {}
    with events.user_context("bénédicte", client=client):
        inject(message, BROKER)
    assert "x-britecore-actor-id" not in message
    assert "bénédicte" not in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    "name", ["x-britecore-job-id", "X-BriteCore-Job-Id", "X-BRITECORE-JOB-ID"], ids=["lower", "mixed", "upper"]
)
@pytest.mark.parametrize("value", ["job-3", b"job-3"], ids=["text", "bytes"])
def test_the_job_header_is_read_in_any_case_as_text_or_bytes(name, value):
    assert extract({name: value}) == Inbound("job-3", None)


def test_the_job_header_wins_over_baggage_and_baggage_is_next():
    both = {"x-britecore-job-id": "job-4", "baggage": "bc-job-id=job-5"}
    assert extract(both).job_id == "job-4"
    assert extract({"baggage": "bc-job-id=job-5"}).job_id == "job-5"
    assert extract({}).job_id is None


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "é", "x" * 256])
def test_a_job_that_could_not_travel_is_ignored_with_a_warning_and_baggage_steps_in(value, caplog):
    inbound = extract({"x-britecore-job-id": value, "baggage": "bc-job-id=job-6"})
    assert inbound.job_id == "job-6"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_actor_in_an_http_header_is_not_believed():
    assert extract({"x-britecore-actor-id": "cognito-user-1", "x-britecore-actor-type": "user"}).actor is None


@pytest.mark.parametrize(
    ("actor_id", "actor_type"),
    [("abc", "user"), ("cognito-user-1", "wizard"), ("x" * 256, "user"), ("line\nbreak", "user"), (" padded ", "user")],
    ids=["short", "type", "long", "control", "padded"],
)
def test_an_actor_that_cannot_be_one_is_ignored_with_a_warning(actor_id, actor_type, caplog):
    message = {"x-britecore-actor-id": actor_id, "x-britecore-actor-type": actor_type}
    assert extract(message, BROKER).actor is None
    assert len(caplog.records) == 1
    assert actor_id not in caplog.text


def test_names_are_one_border_s_to_choose(client):
    border = Border(job_id="JobId", actor_id="ActorId", actor_type="ActorType")
    message = {}
    with events.user_context("cognito-user-1", "job-7", client=client):
        inject(message, border)
    assert {name: message[name] for name in ("JobId", "ActorId", "ActorType")} == {
        "JobId": "job-7",
        "ActorId": "cognito-user-1",
        "ActorType": "user",
    }
    assert extract(message, border) == Inbound("job-7", Actor("cognito-user-1", "user"))


def test_a_job_without_a_name_neither_goes_out_nor_comes_in(client):
    border = Border(job_id=None)
    carrier = {}
    with events.session("job-8", client=client):
        inject(carrier, border)
    assert "x-britecore-job-id" not in carrier
    assert extract({"x-britecore-job-id": "job-9"}, border).job_id is None


class Unreadable:
    """A carrier that fails where it is read, in one of several ways."""

    def __init__(self, items):
        self.items = items


class UnreadableMapping(dict):
    def items(self):
        raise LookupError


class NoItems:
    @property
    def items(self):
        raise LookupError


def raising():
    raise LookupError


def raising_later():
    yield "x-job-id", "job-1"
    raise LookupError


@pytest.mark.parametrize(
    "carrier",
    [
        Unreadable(raising),
        Unreadable(raising_later),
        Unreadable(lambda: 5),
        Unreadable(lambda: ["ab", 7, ("a", "b", "c"), None]),
        Unreadable(lambda needed: {}),
        UnreadableMapping(a="b"),
        NoItems(),
        [5, "ab", None],
    ],
    ids=["raises", "raises later", "number", "no pairs", "has a parameter", "mapping", "property raises", "list"],
)
def test_a_carrier_that_cannot_be_read_has_nothing(client, carrier):
    assert extract(carrier, client=client) == Inbound(None, None)


def test_a_carrier_of_another_shape_has_a_getter_and_a_setter(client):
    class Attributes:
        def set(self, carrier, key, value):
            carrier[key] = {"DataType": "String", "StringValue": value}

        def get(self, carrier, key):
            return [carrier[key]["StringValue"]] if key in carrier else None

        def keys(self, carrier):
            return list(carrier)

    message = {}
    with events.user_context("cognito-user-1", "job-10", client=client):
        inject(message, BROKER, setter=Attributes())
    assert message["x-britecore-job-id"] == {"DataType": "String", "StringValue": "job-10"}
    assert extract(message, BROKER, getter=Attributes()) == Inbound("job-10", Actor("cognito-user-1", "user"))


def test_the_baggage_key_is_the_client_s(client):
    """`EventClient(baggage_key=…)` is one name for both ways."""
    other = EventClient(None, "ClaimService", TOPICS, baggage_key="claims-job")
    headers = {"baggage": "bc-job-id=job-1,claims-job=job-2"}
    assert extract(headers, client=client).job_id == "job-1"
    assert extract(headers, client=other).job_id == "job-2"
    with events.override(other):
        assert extract(headers).job_id == "job-2"
        token = context.attach(baggage.set_baggage("claims-job", "job-3"))
        try:
            inject(carrier := {})
            inject(given := {}, client=client)
        finally:
            context.detach(token)
    assert carrier["x-britecore-job-id"] == "job-3"
    assert "x-britecore-job-id" not in given


def test_the_properties_of_opentelemetry_s_own_baggage_are_cut_too(client):
    """Its propagator takes them for a part of the value."""
    token = context.attach(baggage.set_baggage("bc-job-id", "4711;ttl=60"))
    try:
        with events.session(client=client) as session:
            assert session.job_id == "4711"
    finally:
        context.detach(token)


def test_a_job_with_a_comma_travels_in_baggage_alone(client, caplog):
    """In a header, it would be two jobs for the receiver."""
    carrier = {}
    with events.session("job,1", client=client):
        inject(carrier)
    assert "x-britecore-job-id" not in carrier
    assert extract(carrier).job_id == "job,1"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_an_actor_that_only_this_service_knows_stays_behind_with_a_warning(client, caplog):
    message = {}
    with events.session(client=client, actor=Actor("user-17", "user", is_local=True)):
        inject(message, BROKER)
    assert "x-britecore-actor-id" not in message
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_lookup_that_fails_keeps_no_message_from_going_out(client, caplog):
    class Broken:
        def now(self):
            raise LookupError

    message = {}
    with events.session("job-1", client=client, actor=Broken()):
        inject(message, BROKER)
    assert message["x-britecore-job-id"] == "job-1"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


values = st.text(st.characters(codec="utf-8", exclude_characters=" "), min_size=1, max_size=20)


@given(
    st.dictionaries(st.sampled_from(["a", "bc-job-id", "c"]), values, max_size=3),
    st.lists(st.sampled_from([";ttl=60", ";a", " ; b = c "]), max_size=2),
)
def test_what_opentelemetry_writes_into_baggage_is_read_as_it_was(entries, properties):
    """Whatever properties a proxy has added. It writes a space as `+`, which the W3C's recommendation does not know."""
    ctx = context.Context()
    for name, value in entries.items():
        ctx = baggage.set_baggage(name, value, ctx)
    carrier = {}
    W3CBaggagePropagator().inject(carrier, ctx)
    members = carrier.get("baggage", "").split(",")
    carrier["baggage"] = ",".join(member + "".join(properties) for member in members)
    job_id = entries.get("bc-job-id", "")
    is_job = job_id.isascii() and job_id.isprintable()
    assert extract(carrier).job_id == (job_id if job_id and is_job else None)
