"""Turns in a queue: fair between users, and never lost."""

import asyncio

import pytest

from orchestration.guards.passes import WaitingRoom


async def queue_up(room, users, served):
    """Tasks that wait for the turn, in this order, and note their user when they get it."""

    async def wait(user):
        async with room.turn(user):
            served.append(user)

    waiting = []
    for user in users:
        waiting.append(asyncio.ensure_future(wait(user)))
        await asyncio.sleep(0)
    return waiting


async def test_users_take_turns_however_much_one_of_them_asks():
    room, served = WaitingRoom(), []
    async with room.turn(0):
        waiting = await queue_up(room, [1, 1, 1, 1, 2, 2, 3], served)
        assert served == []
    await asyncio.gather(*waiting)

    assert served == [1, 2, 3, 1, 2, 1, 1]


async def test_an_empty_room_has_no_queue():
    room = WaitingRoom()
    assert not room.has_queue
    async with room.turn(1):
        assert room.has_queue
    assert not room.has_queue


async def test_one_that_gives_up_while_it_waits_is_skipped():
    room, served = WaitingRoom(), []
    async with room.turn(0):
        waiting = await queue_up(room, [1, 2, 3], served)
        waiting[1].cancel()
        await asyncio.wait([waiting[1]])
    await asyncio.gather(waiting[0], waiting[2])

    assert served == [1, 3]
    assert not room.has_queue


async def test_one_that_gives_up_hands_on_no_turn_that_somebody_else_has():
    room, served = WaitingRoom(), []
    async with room.turn(0):
        waiting = await queue_up(room, [1, 2], served)
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
        for _ in range(10):
            await asyncio.sleep(0)

        assert served == []
    await waiting[1]


async def test_one_that_gives_up_costs_its_user_no_turn():
    room, served = WaitingRoom(), []
    async with room.turn(0):
        waiting = await queue_up(room, [1, 1, 2], served)
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
    await asyncio.wait(waiting[1:])

    assert served == [1, 2]
    assert not room.has_queue


async def test_one_that_is_cancelled_just_as_its_turn_comes_passes_it_on():
    room, served = WaitingRoom(), []
    async with room.turn(0):
        waiting = await queue_up(room, [1, 2], served)
    # The turn was handed to the first, which has not run since.
    waiting[0].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert served == [2]
    assert not room.has_queue


async def test_a_failure_during_a_turn_passes_it_on():
    room, served = WaitingRoom(), []

    async def stumble():
        async with room.turn(0):
            waiting.extend(await queue_up(room, [1], served))
            raise ZeroDivisionError

    waiting = []
    with pytest.raises(ZeroDivisionError):
        await stumble()
    await asyncio.gather(*waiting)

    assert served == [1]
