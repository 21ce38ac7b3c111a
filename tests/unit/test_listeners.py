"""Those who listen hear what happens, in its order; one that does not keep up misses some, and holds nothing up."""

import asyncio

from keepwell.ports.listeners import Listeners


async def test_everybody_hears_what_happens_from_when_they_listen() -> None:
    listeners = Listeners[int]()
    listeners.tell(1)  # nobody listens yet
    first, second = listeners.hear(), listeners.hear()
    waiting = [asyncio.ensure_future(anext(one)) for one in (first, second)]
    await asyncio.sleep(0)
    for number in (2, 3):
        listeners.tell(number)
    assert await asyncio.gather(*waiting) == [2, 2]
    assert [await anext(first), await anext(second)] == [3, 3]


async def test_who_does_not_keep_up_misses_what_is_beyond() -> None:
    listeners = Listeners[int](most=2)
    slow = listeners.hear()
    waiting = asyncio.ensure_future(anext(slow))
    await asyncio.sleep(0)
    listeners.tell(0)
    assert await waiting == 0
    for number in range(1, 10):
        listeners.tell(number)
    assert [await anext(slow), await anext(slow)] == [1, 2]
    listeners.tell(10)
    assert await anext(slow) == 10, "once there is room it hears again"


async def test_several_changes_are_one_where_one_may_wait() -> None:
    listeners = Listeners[str](most=1)
    hearing = listeners.hear()
    first = asyncio.ensure_future(anext(hearing))
    await asyncio.sleep(0)
    listeners.tell("changed")
    listeners.tell("changed")
    assert await first == "changed"
    second = asyncio.ensure_future(anext(hearing))
    await asyncio.sleep(0.01)
    assert not second.done(), "both came before it looked"
    listeners.tell("changed again")
    assert await second == "changed again"


async def test_who_went_away_is_told_nothing() -> None:
    listeners = Listeners[int](most=1)
    gone = asyncio.ensure_future(anext(listeners.hear()))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    listeners.tell(1)
    staying = listeners.hear()
    waiting = asyncio.ensure_future(anext(staying))
    await asyncio.sleep(0)
    listeners.tell(2)
    assert await waiting == 2
    assert listeners.count == 1
