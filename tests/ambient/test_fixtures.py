"""Rule 3 in async fixtures, whose two halves a plugin may run in different tasks: nothing stays, and all arrives."""

import anyio
import pytest
import pytest_asyncio

from bc_events import events

from .recording import say


@pytest.fixture
def arrives(client, recording):
    """An async fixture that uses this one is torn down first. So this one checks what is left, and what arrived."""
    expected = []
    yield expected
    assert events.current_job_id() is None
    assert recording.numbers == expected
    assert len(recording.batches) == 1


@pytest_asyncio.fixture
async def in_a_block(arrives):
    async with events.session("fixture") as session:
        say(1)
        yield session
        session.made_note({"n": 3})
    arrives += [1, 2, 3]


@pytest_asyncio.fixture
@events.session("fixture")
async def decorated(arrives):
    say(1)
    yield events.current_session()
    say(3)
    arrives += [1, 2, 3]


@pytest.mark.asyncio
async def test_rule_03_a_block_in_a_fixture_of_pytest_asyncio(in_a_block):
    in_a_block.made_note({"n": 2})
    assert in_a_block.job_id == "fixture"


@pytest.mark.asyncio
async def test_rule_03_a_decorated_fixture_of_pytest_asyncio(decorated):
    assert events.current_job_id() is None  # it is ambient only in the fixture's steps, and none of them runs now
    decorated.made_note({"n": 2})


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


@pytest.fixture
async def in_a_block_of_anyio(anyio_backend, arrives):
    async with events.session("fixture") as session:
        say(1)
        yield session
        session.made_note({"n": 3})
    arrives += [1, 2, 3]


@pytest.fixture
@events.session("fixture")
async def decorated_of_anyio(anyio_backend, arrives):
    say(1)
    yield events.current_session()
    say(3)
    arrives += [1, 2, 3]


@pytest.mark.anyio
async def test_rule_03_a_block_in_a_fixture_of_anyio(in_a_block_of_anyio):
    await anyio.sleep(0)
    in_a_block_of_anyio.made_note({"n": 2})


@pytest.mark.anyio
async def test_rule_03_a_decorated_fixture_of_anyio(decorated_of_anyio):
    await anyio.sleep(0)
    assert events.current_job_id() is None
    decorated_of_anyio.made_note({"n": 2})


@pytest_asyncio.fixture
async def within_another(in_a_block):
    async with events.user_context("a-user-id") as session:
        yield session


@pytest.mark.asyncio
async def test_rule_03_a_fixture_within_a_fixture_of_pytest_asyncio(within_another, in_a_block):
    """The inner one joined the outer one, whose session it found where the plugin had kept it, or is on its own."""
    within_another.made_note({"n": 2})
    assert within_another.job_id == in_a_block.job_id
