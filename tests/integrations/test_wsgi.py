"""WSGI, against real Flask on werkzeug's real server; what no server does on demand, by calling the application."""

import threading
from contextlib import contextmanager
from wsgiref.util import setup_testing_defaults

import flask
import httpx
import pytest
from werkzeug.serving import make_server

from bc_events import Actor, DeliveryError, events
from bc_events.integrations.wsgi import EventsMiddleware
from bc_events.propagation import Border


@contextmanager
def serving(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(app, **request):
    with serving(app) as url:
        return httpx.get(url, **request)


def flask_of(view, client, **settings):
    app = flask.Flask("service")
    app.add_url_rule("/", view_func=view)
    app.wsgi_app = EventsMiddleware(app.wsgi_app, client=client, **settings)
    return app


def environ(**headers):
    found = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    setup_testing_defaults(found)
    return found


def ok(status="200 OK"):
    """An application that publishes, answers, and publishes on with each chunk."""

    def app(environ, start_response):
        events.created_test({"id": 1})
        start_response(status, [])
        return iter([b"a", b"b"])

    return app


def nothing(*_start):
    return lambda _data: None


def test_a_request_publishes_under_the_job_of_its_header(client, delivery):
    def view():
        events.created_test({"id": 1})
        return "ok"

    assert asked(flask_of(view, client), headers={"x-britecore-job-id": "job-1"}).text == "ok"
    assert (delivery.data, delivery.jobs) == ([{"id": 1}], ["job-1"])


def test_the_job_of_baggage_is_taken_where_there_is_no_header(client, delivery):
    list(EventsMiddleware(ok(), client=client)(environ(baggage="bc-job-id=job-2"), nothing))
    assert delivery.jobs == ["job-2"]


def test_an_actor_header_is_believed_only_where_the_service_trusts_it(client, delivery):
    sent = environ(x_actor="user-one", x_actor_type="user")
    border = Border(actor_id="x-actor", actor_type="x-actor-type")
    list(EventsMiddleware(ok(), client=client)(sent, nothing))
    list(EventsMiddleware(ok(), client=client, border=border)(sent, nothing))
    assert delivery.actors == [("PolicyService", "service"), ("user-one", "user")]


def test_the_service_may_say_who_acts(client, delivery):
    actor = lambda environ: Actor(environ["REMOTE_USER"], "user")  # noqa: E731
    list(EventsMiddleware(ok(), client=client, actor=actor)(environ() | {"REMOTE_USER": "user-two"}, nothing))
    assert delivery.actors == [("user-two", "user")]


def test_an_exception_rolls_back_and_goes_on_to_the_server(client, delivery):
    def app(environ, start_response):
        events.created_test({"id": 1})
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        EventsMiddleware(app, client=client)(environ(), nothing)
    assert delivery.sent == []
    assert events.current_job_id() is None


def test_a_flask_error_handler_does_not_hide_failure(client, delivery):
    """Flask's teardown functions are told of no exception where a handler made a response of it."""
    told = []

    def view():
        events.created_test({"id": 1})
        raise LookupError("broken")

    app = flask_of(view, client)
    app.register_error_handler(LookupError, lambda error: ("sorry", 422))
    app.teardown_request(told.append)
    assert asked(app).status_code == 422
    assert (told, delivery.sent) == ([None], [])


def test_a_response_of_failure_drops_its_events_before_it_leaves(client, delivery):
    """Flask's test client may never close it."""
    sessions = []

    def app(environ, start_response):
        sessions.append(events.current_session())
        return ok("409 Conflict")(environ, start_response)

    body = EventsMiddleware(app, client=client)(environ(), nothing)
    assert sessions[0].events == []
    body.close()
    assert delivery.sent == []


def test_a_redirect_is_a_success(client, delivery):
    list(EventsMiddleware(ok("303 See Other"), client=client)(environ(), nothing))
    assert delivery.data == [{"id": 1}]


def test_the_service_may_say_what_success_is(client, delivery):
    app = EventsMiddleware(ok("404 Not Found"), client=client, success=lambda status: status == 404)
    app(environ(), nothing).close()
    assert delivery.data == [{"id": 1}]


def test_events_are_sent_before_the_first_byte_leaves(client, delivery):
    """Also where the application starts its response with its first chunk only, or through `write`."""

    def generator(environ, start_response):
        events.created_test({"id": 2})
        start_response("200 OK", [])
        yield b"a"

    def writer(environ, start_response):
        write = start_response("200 OK", [])
        events.created_test({"id": 3})
        write(b"a")
        assert delivery.data[-1] == {"id": 3}
        return []

    EventsMiddleware(ok(), client=client)(environ(), nothing)
    assert delivery.data == [{"id": 1}]
    next(iter(EventsMiddleware(generator, client=client)(environ(), nothing)))
    assert delivery.data[-1] == {"id": 2}
    EventsMiddleware(writer, client=client)(environ(), nothing)


def test_a_failed_delivery_becomes_a_500(client, delivery):
    delivery.refuses = True

    def view():
        events.created_test({"id": 1})
        return "ok"

    assert asked(flask_of(view, client)).status_code == 500


def test_a_failed_delivery_closes_the_body(client, delivery):
    delivery.refuses = True
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"a"])

        def close(self):
            closed.append(events.current_job_id())

    def app(environ, start_response):
        events.created_test({"id": 1})
        start_response("200 OK", [])
        return Body()

    with pytest.raises(DeliveryError):
        EventsMiddleware(app, client=client)(environ(x_britecore_job_id="job-1"), nothing)
    assert (closed, events.current_job_id()) == (["job-1"], None)


def test_a_failed_delivery_may_be_handed_to_the_service(client, delivery):
    delivery.refuses = True
    errors = []
    body = EventsMiddleware(ok(), client=client, on_delivery_error=errors.append)(environ(), nothing)
    assert list(body) == [b"a", b"b"]
    assert [len(error.undelivered) for error in errors] == [1]


def test_the_session_lasts_until_the_body_is_closed(client, delivery):
    def view():
        @flask.stream_with_context
        def body():
            try:
                for number in range(3):
                    events.created_test({"id": number, "job": events.current_job_id()})
                    yield b"chunk"
            finally:
                events.created_other({"job": events.current_job_id()})

        return flask.Response(body())

    assert asked(flask_of(view, client), headers={"x-britecore-job-id": "job-1"}).content == b"chunk" * 3
    assert [event["job"] for event in delivery.data] == ["job-1"] * 4


def test_a_body_that_moves_between_threads_keeps_its_session(client, delivery):
    def app(environ, start_response):
        start_response("200 OK", [])
        for number in range(4):
            events.created_test({"id": number})
            yield str(events.current_job_id()).encode()

    def elsewhere(work):
        results = []
        thread = threading.Thread(target=lambda: results.append((work(), events.current_job_id())))
        thread.start()
        thread.join()
        return results[0]

    body, left = elsewhere(lambda: EventsMiddleware(app, client=client)(environ(x_britecore_job_id="job-1"), nothing))
    assert left is None
    for _ in range(4):
        assert elsewhere(lambda: next(body)) == (b"job-1", None)
    assert elsewhere(body.close) == (None, None)
    assert (len(delivery.sent), set(delivery.jobs)) == (4, {"job-1"})


def test_two_bodies_read_by_turns_keep_apart(client, delivery):
    """A server may interleave them on one thread; neither session is ambient between the steps."""

    def app(environ, start_response):
        start_response("200 OK", [])
        for number in range(2):
            events.created_test({"id": number})
            yield str(events.current_job_id()).encode()

    wrapped = EventsMiddleware(app, client=client)
    one, two = (wrapped(environ(x_britecore_job_id=job), nothing) for job in ("job-1", "job-2"))
    chunks = [next(one), next(two), next(one), next(two)]
    assert events.current_job_id() is None
    one.close()
    two.close()
    assert chunks == [b"job-1", b"job-2", b"job-1", b"job-2"]
    assert sorted(delivery.jobs) == ["job-1", "job-1", "job-2", "job-2"]


def test_a_body_that_fails_drops_what_was_not_sent(client, delivery):
    def app(environ, start_response):
        events.created_test({"id": 1})
        start_response("200 OK", [])
        yield b"a"
        events.created_test({"id": 2})
        raise LookupError("broken")

    body = EventsMiddleware(app, client=client)(environ(), nothing)
    with pytest.raises(LookupError):
        list(body)
    body.close()
    assert delivery.data == [{"id": 1}]


def test_a_client_that_leaves_is_no_failure(client, delivery):
    """The server then closes the body early."""

    def app(environ, start_response):
        start_response("200 OK", [])
        yield b"a"
        events.created_test({"id": 1})
        yield b"b"
        yield b"c"

    body = EventsMiddleware(app, client=client)(environ(), nothing)
    assert [next(body), next(body)] == [b"a", b"b"]
    body.close()
    assert delivery.data == [{"id": 1}]


def test_the_status_that_counts_is_the_last(client, delivery):
    """An application may start its response anew where it fails before the first byte."""

    def app(environ, start_response):
        start_response("200 OK", [])
        events.created_test({"id": 1})
        start_response("500 Internal Server Error", [], (LookupError, LookupError(), None))
        return [b"sorry"]

    EventsMiddleware(app, client=client)(environ(), nothing).close()
    assert delivery.sent == []


def test_a_body_that_is_closed_twice_ends_its_session_once(client, delivery):
    """The server closes it, and so may other middleware that has read it to its end."""
    body = EventsMiddleware(ok(), client=client)(environ(), nothing)
    assert list(body) == [b"a", b"b"]
    body.close()
    body.close()
    assert delivery.data == [{"id": 1}]
