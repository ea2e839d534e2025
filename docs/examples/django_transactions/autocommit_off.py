from app import publish, sent
from django.db import transaction

from bc_events import ConfigurationError, events

transaction.set_autocommit(False)
with events.session():
    try:
        publish(1)
    except ConfigurationError as error:
        print(error)  # ... leave autocommit on, and publish inside transaction.atomic
transaction.set_autocommit(True)

assert sent() == []
