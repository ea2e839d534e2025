"""The client of a service. What its outbox stores of an event's envelope is sealed."""

import os

from cryptography.fernet import Fernet, MultiFernet

from bc_events import EventClient
from bc_events.outbox import SQLiteOutbox

keys = MultiFernet([Fernet(key) for key in os.environ["OUTBOX_KEYS"].split()])
outbox = SQLiteOutbox("sealed.db", relay=False, keep="90d", seal=keys.encrypt, open=keys.decrypt)
client = EventClient("http://127.0.0.1:8026", "PolicyService", "topics.yaml", outbox=outbox)
