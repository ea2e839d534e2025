"""Serves a function of the last segment of the path, on a free port, whose URL it prints."""

from wsgiref.simple_server import WSGIRequestHandler, make_server

from bc_events.integrations.wsgi import EventsMiddleware


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments):
        """Nothing."""


def serve(work):
    def application(environ, start_response):
        answer = work(environ["PATH_INFO"].rpartition("/")[2])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [answer.encode()]

    with make_server("127.0.0.1", 0, EventsMiddleware(application), handler_class=Quiet) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
