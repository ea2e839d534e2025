from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException

from bc_events import EventClient, events
from bc_events.integrations.asgi import EventsMiddleware

events.configure(EventClient(None, "ClaimsService", "topics.yaml"))
app = FastAPI()
app.add_middleware(EventsMiddleware)


async def customer(authorization: Annotated[str, Header()]):
    """Stands for real authentication."""
    async with events.user_context(authorization):
        yield


def assess(number: int):
    events.assessed_claim({"number": number, "amount": 250})


@app.post("/claims/{number}", dependencies=[Depends(customer)])
async def open_claim(number: int, background: BackgroundTasks):
    events.opened_claim({"number": number})
    if number == 13:
        raise HTTPException(409, "taken")
    background.add_task(assess, number)
