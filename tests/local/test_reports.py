"""The local Events API takes reports of what was not sent, and keeps the latest of them."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bc_events.local import LocalEventsAPI, report_store
from bc_events.local.report import MOST_BYTES
from bc_events.local.unsent_sections import link_to

from .wire import ask, envelope, post

PROCESS = "01a21fba-d9c2-74bb-a002-4e091eaf7417"
OPENED = {"kind": "opened", "session": 1, "parent": None, "service": "TestService", "actor": None}
PUBLISHED = {
    "kind": "published",
    "session": 1,
    "event": "e-1",
    "topic": "policies.PolicyCreated",
    "service": "TestService",
    "actor": {"id": "TestService", "type": "service"},
    "data": '{"id":1.10}',
}
DROPPED = {
    "kind": "rolled back",
    "events": ["e-1"],
    "topics": ["policies.PolicyCreated"],
    "service": "TestService",
    "session": 1,
    "exception": "KeyError",
    "reason": "the scope ended with KeyError",
}


def tell(api, *reports, job="job-1", **head):
    listed = [{"job": job, "at": number, **report} for number, report in enumerate(reports)]
    batch = {"process": PROCESS, "pid": 4711, "lost": 0, "exited": False, "reports": listed, **head}
    return ask(api, "POST", "/api/reports", json=batch)


def line(api, job="job-1"):
    return ask(api, "GET", f"/api/jobs/{job}").json()


def is_unknown(api, job="job-1"):
    return ask(api, "GET", f"/api/jobs/{job}").status_code == 404


def test_it_says_what_it_is(local_events_api):
    assert ask(local_events_api, "GET", "/api/reports").json() == {"server": "bc-events local Events API"}


def test_what_is_told_is_in_the_line_of_its_job(local_events_api):
    assert tell(local_events_api, OPENED, PUBLISHED, DROPPED).status_code == 204
    shown = line(local_events_api)
    assert shown["counts"] == {"rolled back": 1}
    assert [one["pid"] for one in shown["sessions"]] == [4711]
    assert is_unknown(local_events_api, "job-2")


def test_data_has_the_digits_that_were_sent(local_events_api):
    tell(local_events_api, PUBLISHED)
    assert b'"data":{"id":1.10}' in ask(local_events_api, "GET", "/api/jobs/job-1").content


@pytest.mark.parametrize("data", ["{", "[" * 5000 + "]" * 5000, "NaN"])
def test_data_that_is_no_json_is_left_out(local_events_api, data):
    tell(local_events_api, {**PUBLISHED, "data": data})
    assert line(local_events_api)["events"][0]["data"] is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"process": "x", "pid": 1, "lost": 0, "exited": false, "reports": []}',
        b"[" * 100_000,
        b" " * (MOST_BYTES + 1),
    ],
)
def test_a_body_that_is_no_batch_is_refused_with_the_reason(local_events_api, body):
    answer = ask(local_events_api, "POST", "/api/reports", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "report",
    [
        {"kind": "born"},
        {**OPENED, "session": -1},
        {**OPENED, "colour": "red"},
        {**OPENED, "service": ""},
        {**PUBLISHED, "actor": {"id": "x"}},
        {**PUBLISHED, "data": {"id": 1}},
        {**DROPPED, "events": ["e-1"] * 251},
        {**DROPPED, "reason": None},
    ],
)
def test_a_report_of_another_form_is_refused_and_none_of_its_batch_kept(local_events_api, report):
    assert tell(local_events_api, PUBLISHED, report).status_code == 400
    assert is_unknown(local_events_api)


@pytest.mark.parametrize("job", ["", "x" * 256, "ü", "a b", "a\n", 1])
def test_a_job_id_that_no_request_could_carry_is_refused(local_events_api, job):
    assert tell(local_events_api, PUBLISHED, job=job).status_code == 400


@pytest.mark.parametrize("job", ["a/b", "a?b", "a%2Fb", "*", "'", "..a", "a#b", "x" * 255])
def test_the_line_of_any_job_can_be_asked_for(local_events_api, job):
    from urllib.parse import quote

    tell(local_events_api, PUBLISHED, job=job)
    assert line(local_events_api, quote(job, safe=""))["jobId"] == job
    assert len(line(local_events_api, quote(job, safe=""))["events"]) == 1


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_a_page_of_another_origin_can_neither_tell_nor_ask(local_events_api, headers):
    batch = {"process": PROCESS, "pid": 1, "lost": 0, "exited": False, "reports": []}
    assert ask(local_events_api, "POST", "/api/reports", json=batch, headers=headers).status_code in (400, 403)
    for path in ("/api/reports", "/api/jobs/job-1", "/api/unsent"):
        assert ask(local_events_api, "GET", path, headers=headers).status_code in (400, 403)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OPENED, *PUBLISHED]), inner),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(sorted({*OPENED, *PUBLISHED, *DROPPED})), JSON, max_size=3),
    base=st.sampled_from([OPENED, PUBLISHED, DROPPED]),
)
def test_no_report_makes_it_fail(local_events_api, changes, base):
    assert tell(local_events_api, {**base, **changes}).status_code in (204, 400)
    assert ask(local_events_api, "GET", "/api/jobs/job-1").status_code in (200, 404)
    assert ask(local_events_api, "GET", "/?q=job:job-1").status_code == 200


def test_reports_about_an_event_that_nobody_announced_are_kept(local_events_api):
    """The report that announced it may have been lost."""
    tell(local_events_api, DROPPED)
    (event,) = line(local_events_api)["events"]
    assert (event["topic"], event["state"], event["session"]) == ("policies.PolicyCreated", "rolled back", None)


def test_reports_that_a_process_has_lost_are_counted(local_events_api):
    tell(local_events_api, PUBLISHED, lost=3)
    tell(local_events_api, lost=5)
    assert line(local_events_api)["lostReports"] == 5


def test_an_open_event_of_a_process_that_has_ended_is_lost(local_events_api):
    tell(local_events_api, OPENED, PUBLISHED)
    assert line(local_events_api)["events"][0]["state"] == "open"
    tell(local_events_api, exited=True)
    (event,) = line(local_events_api)["events"]
    assert (event["state"], event["reason"]) == ("lost", "its process has ended before its session did")


def test_the_reports_of_the_quietest_job_are_forgotten_first(monkeypatch, local_events_api):
    monkeypatch.setattr(report_store, "MOST_REPORTS", 4)
    tell(local_events_api, PUBLISHED, {**PUBLISHED, "event": "e-2"}, job="old")
    tell(local_events_api, PUBLISHED, {**PUBLISHED, "event": "e-2"}, {**PUBLISHED, "event": "e-3"}, job="new")
    assert [len(line(local_events_api, job)["events"]) for job in ("old", "new")] == [1, 3]
    assert line(local_events_api, "old")["lostReports"] == 1
    tell(local_events_api, {**PUBLISHED, "event": "e-4"}, job="new")
    assert is_unknown(local_events_api, "old")


def test_reports_can_be_deleted(local_events_api):
    tell(local_events_api, PUBLISHED, DROPPED)
    assert ask(local_events_api, "DELETE", "/api/reports").status_code == 204
    assert is_unknown(local_events_api)
    assert ask(local_events_api, "GET", "/api/unsent").json() == {"unsent": []}


def test_what_was_not_sent_is_listed_newest_first(local_events_api):
    tell(local_events_api, DROPPED)
    tell(local_events_api, {**DROPPED, "kind": "dead", "reason": "no"} | {"session": 1}, job="job-2")
    refused = {"kind": "refused", "session": 1, "topic": "a.BCreated", "service": "S", "reason": None}
    tell(local_events_api, {**refused, "violations": [{"path": "/id", "rule": "type", "message": "is no text"}]})
    listed = ask(local_events_api, "GET", "/api/unsent?limit=5").json()["unsent"]
    assert [(one["why"], one["reason"]) for one in listed] == [
        ("refused", "/id: is no text"),
        ("rolled back", "the scope ended with KeyError"),
    ]
    assert [one.why for one in local_events_api.unsent()] == ["rolled back", "refused"]
    assert ask(local_events_api, "GET", "/api/unsent?limit=1").json()["unsent"] == listed[:1]
    assert ask(local_events_api, "GET", "/api/unsent?count=1").status_code == 400


def test_a_function_is_told_of_what_was_not_sent():
    told = []
    with LocalEventsAPI(on_unsent=told.append) as api:
        tell(api, PUBLISHED, DROPPED)
    (unsent,) = told
    assert (unsent.why, unsent.count, unsent.topics) == ("rolled back", 1, ("policies.PolicyCreated",))
    assert (unsent.service, unsent.job_id, unsent.exception) == ("TestService", "job-1", "KeyError")


def test_the_page_marks_what_did_not_arrive(local_events_api):
    tell(local_events_api, PUBLISHED, DROPPED)
    post(local_events_api, envelope())
    page = ask(local_events_api, "GET", link_to("job", "job-1")).text
    assert page.count('<tr class="unsent">') == 1
    assert page.count('<tr class="arrived">') == 1
    assert "the scope ended with KeyError" in page
    assert "Not sent" in ask(local_events_api, "GET", "/").text


def test_the_page_of_a_job_that_arrived_in_full_has_no_such_section(local_events_api):
    post(local_events_api, envelope())
    assert 'class="line"' not in ask(local_events_api, "GET", link_to("job", "job-1")).text
    assert "Not sent" not in ask(local_events_api, "GET", "/").text


def test_text_of_reports_is_escaped_on_the_page(local_events_api):
    evil = "<script>alert(1)</script>\u202e"
    tell(local_events_api, {**PUBLISHED, "topic": evil, "service": evil}, {**DROPPED, "reason": evil, "service": evil})
    for path in ("/", link_to("job", "job-1")):
        page = ask(local_events_api, "GET", path).text
        assert "<script" not in page
        assert "\u202e" not in page


def test_an_event_in_a_request_is_paired_with_the_one_that_arrived(local_events_api):
    """The second of three records was refused, and the response was lost."""
    ids = [f"e-{number}" for number in range(3)]
    data = [f'{{"id": {number}}}' for number in range(3)]
    told = [{**PUBLISHED, "event": event, "data": text} for event, text in zip(ids, data, strict=True)]
    tell(local_events_api, *told, {"kind": "posting", "key": "k-1", "events": ids})
    post(local_events_api, [envelope(data={"id": 0}), envelope(data={"id": 2})], key="k-1")
    shown = line(local_events_api)["events"]
    assert [(event["eventId"], event["state"], len(event["seqs"])) for event in shown] == [
        ("e-0", "arrived", 1),
        ("e-1", "open", 0),
        ("e-2", "arrived", 1),
    ]
    assert orjson.loads(local_events_api.job("job-1").json)["counts"] == {"arrived": 2, "open": 1}
