"""Texts go from one thread to several, each once and in order; whoever waits is told when nothing comes any more."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from backups.engines.postgresql.feed import Feed

PATIENCE = 30  # seconds


def test_each_text_is_taken_once_with_its_number() -> None:
    feed, texts = Feed(2), [b"%d" % number for number in range(1, 501)]

    def take() -> list[tuple[int, bytes]]:
        taken: list[tuple[int, bytes]] = []
        while some := list(feed.take(5)):
            taken += some
        return taken

    with ThreadPoolExecutor(2) as pool:
        takers = [pool.submit(take) for _ in range(2)]
        assert all(feed.put(text) for text in texts)
        feed.end()
        taken = [taker.result(PATIENCE) for taker in takers]
    assert sorted(taken[0] + taken[1]) == list(zip(count(1), texts, strict=False))
    assert all(each == sorted(each) for each in taken)


def test_no_more_wait_than_there_is_room_for() -> None:
    feed, put = Feed(2), list[int]()

    def fill() -> None:
        for number in range(5):
            feed.put(b"text")
            put.append(number)

    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(fill)
        assert list(feed.take(1)) == [(1, b"text")]
        for taken in range(2, 5):
            assert len(put) <= taken + 1
            assert list(feed.take(4)) == [(taken, b"text")]
        filling.result(PATIENCE)
    assert put == list(range(5))


def test_a_batch_is_as_long_as_was_asked_or_ends_with_the_texts() -> None:
    feed = Feed(9)
    for _ in range(5):
        feed.put(b"four")
    feed.end()
    assert [number for number, _ in feed.take(9)] == [1, 2, 3]
    assert [number for number, _ in feed.take(100)] == [4, 5]
    assert list(feed.take(100)) == [] and list(feed.take(0)) == []


def test_when_it_is_stopped_nobody_waits_and_nothing_more_is_taken() -> None:
    feed = Feed(1)
    taking = feed.take(100)
    feed.put(b"taken")
    assert next(taking) == (1, b"taken")
    feed.put(b"waiting")
    with ThreadPoolExecutor(1) as pool:
        # There is no room for it, so it waits for somebody to take one.
        putting = pool.submit(feed.put, b"late")
        threading.Timer(0.05, feed.stop).start()
        assert putting.result(PATIENCE) is False
    assert list(taking) == [] and list(feed.take(100)) == [] and feed.put(b"more") is False
