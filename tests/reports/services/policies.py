"""A service: `POST /issue/<quote>` creates a policy, and books a commission where it knows the agent."""

from bc_events import events
from tests.reports.services.serving import serve

AGENTS = {}


@events.session()
def book_commission(quote):
    events.booked_commission({"agent": "unknown"})
    return AGENTS[quote]


def issue(quote):
    events.created_policy({"quote": quote})
    try:
        book_commission(quote)
    except LookupError:
        return "issued, without a commission"
    return "issued"


if __name__ == "__main__":
    serve(issue)
