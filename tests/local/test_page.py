"""The page lists events, and neither it nor the API is open to pages of others."""

import html
import re

import pytest

from .wire import ask, envelope, post


def test_the_page_lists_events_newest_first_and_filters(local_events_api):
    for number in range(3):
        post(local_events_api, envelope(data={"id": f"number-{number}"}), job=f"job-{number}")
    everything = ask(local_events_api, "GET", "/").text
    assert everything.index("number-2") < everything.index("number-1") < everything.index("number-0")
    filtered = ask(local_events_api, "GET", "/?q=job:job-1").text
    assert "number-1" in filtered
    assert "number-0" not in filtered
    assert 'value="job:job-1"' in filtered


def test_the_page_says_so_when_there_is_nothing(local_events_api):
    assert "No event has arrived yet" in ask(local_events_api, "GET", "/").text
    assert "No event matches" in ask(local_events_api, "GET", "/?q=x").text


def test_the_page_shows_why_the_latest_requests_were_refused(local_events_api):
    assert "Refused requests" not in ask(local_events_api, "GET", "/").text
    for number in range(7):
        post(local_events_api, envelope(data={}), job=f"refused-{number}")
    post(local_events_api, envelope(), job="bad job")
    shown = ask(local_events_api, "GET", "/").text
    assert "ValidationException: /data: " in shown
    assert shown.index("bad job") < shown.index("refused-6") < shown.index("refused-3")
    assert "refused-2" not in shown
    assert "The latest 5 of 8" in shown


def test_a_reason_cannot_become_markup(local_events_api):
    post(local_events_api, {**envelope(), "<script>": 1}, job="<script>")
    shown = ask(local_events_api, "GET", "/").text
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown


def test_values_cannot_become_markup(local_events_api):
    nasty = "<script>alert(1)</script>"
    post(local_events_api, envelope(data={"id": nasty}, actor={"id": nasty, "type": "user"}), job=f"\"{nasty[:8]}&'")
    for path in ("/", f"/?q={nasty}", f"/?q={nasty}:1"):
        assert "<script" not in ask(local_events_api, "GET", path).text


def test_a_link_of_the_page_finds_its_event_whatever_the_job_is_called(local_events_api):
    job = "a'b\"c\\d%26&<job>:*"
    post(local_events_api, envelope(), job=job)
    post(local_events_api, envelope())
    links = re.findall(r'href="([^"]+)"', ask(local_events_api, "GET", "/").text)
    [link] = [link for link in links if "%26" in link]
    assert "1 event<" in ask(local_events_api, "GET", html.unescape(link)).text


def test_the_page_may_load_nothing_but_its_own_style(local_events_api):
    answer = ask(local_events_api, "GET", "/")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    style = ask(local_events_api, "GET", "/page.css")
    assert (style.status_code, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_host_is_refused(local_events_api, host):
    """As in DNS rebinding: a page elsewhere whose name resolves to 127.0.0.1."""
    assert ask(local_events_api, "GET", "/api/events", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://{host}"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/events"), ("DELETE", "/api/events"), ("GET", "/api/events")])
def test_another_origin_is_refused(local_events_api, method, path, origin):
    host = local_events_api.url.removeprefix("http://")
    answer = ask(local_events_api, method, path, headers={"Origin": origin.format(host=host)})
    assert answer.status_code == 403


def test_its_own_origin_is_welcome(local_events_api):
    port = local_events_api.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        answer = ask(local_events_api, "GET", "/api/events", headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code == 200
