"""FastAPI; "elsewhere" is a thread."""

import asyncio

import fastapi

from bc_events import events
from bc_events.integrations.asgi import EventsMiddleware
from tests.integrations.load import OUTCOMES, TRUSTED

api = fastapi.FastAPI()


@api.get("/{number}")
async def answer(number: int):
    outcome = OUTCOMES[number % 4]
    events.created_test({"number": number})
    await asyncio.sleep(0.02)
    if outcome == "ok elsewhere":
        await asyncio.to_thread(events.created_other, {"number": number})
    else:
        events.created_other({"number": number})
    if outcome == "raises":
        raise LookupError
    if outcome == "refuses":
        raise fastapi.HTTPException(409)
    return number


app = EventsMiddleware(api, border=TRUSTED)
