import asyncio

from app import Policy, publish, sent
from asgiref.sync import sync_to_async
from django.db import transaction

from bc_events import events


@sync_to_async
@transaction.atomic
def sell(number, *, fails):
    Policy.objects.create(number=number)
    publish(number)
    transaction.set_rollback(fails)


async def main():
    async with events.session():
        await sell(1, fails=False)
        await sell(2, fails=True)


asyncio.run(main())
assert sent() == [1]
