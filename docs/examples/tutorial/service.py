from uuid import uuid4

from bc_events import EventClient, events

events.configure(EventClient("http://127.0.0.1:8026", "PolicyService", "topics.yaml"))


def store_policy(premium):
    policy_id = uuid4()
    events.created_policy({"id": policy_id, "premium": premium})
    return policy_id


@events.session()
def sell_policy(premium):
    policy_id = store_policy(premium)
    events.sent_invoice({"id": uuid4()})
    return policy_id


if __name__ == "__main__":
    sell_policy(300)
