"""What an actor was asked for waits as one run of each job."""

from datetime import UTC, datetime

import trio
from trio.testing import wait_all_tasks_blocked

from dropstreamd.actors.mailbox import Mailbox, Request
from dropstreamd.channels.older import Agreed

EARLY = Agreed(since=datetime(2026, 1, 1, tzinfo=UTC), keys=frozenset({"o1", "o2"}))
LATE = Agreed(since=datetime(2026, 2, 1, tzinfo=UTC), keys=frozenset({"o2", "o3"}))


def ask(mailbox: Mailbox, run: str, job: str = "smart", agreed: Agreed | None = None) -> str:
    request = Request(run=run, job=job, who="ann", agreed=agreed)
    return mailbox.ask(
        request, absorbed_by="full" if job == "smart" else "", absorbs="smart" if job == "full" else ""
    )


def test_those_who_ask_meanwhile_share_a_run() -> None:
    mailbox = Mailbox()
    assert [ask(mailbox, run) for run in ("a", "b", "c")] == ["a", "a", "a"]
    assert mailbox.waiting() == ["smart"]
    assert mailbox.holds("b")
    taken = mailbox.take("smart")
    assert taken is not None
    assert (taken.run, taken.merged) == ("a", ["b", "c"])
    assert mailbox.take("smart") is None
    assert not mailbox.holds("b")


def test_what_people_agreed_to_adds_up() -> None:
    mailbox = Mailbox()
    for run, agreed in [("a", None), ("b", LATE), ("c", EARLY), ("d", LATE), ("e", None)]:
        ask(mailbox, run, agreed=agreed)
    taken = mailbox.take("smart")
    assert taken is not None
    assert taken.agreed == Agreed(since=EARLY.since, keys=EARLY.keys | LATE.keys)


def test_full_takes_smart_in_whichever_comes_first() -> None:
    mailbox = Mailbox()
    assert ask(mailbox, "a", "full") == "a"
    assert ask(mailbox, "b", "smart") == "a"
    mailbox.take("full")
    assert ask(mailbox, "c", "smart", EARLY) == "c"
    assert ask(mailbox, "d", "smart") == "c"
    assert ask(mailbox, "e", "full") == "e"
    assert mailbox.waiting() == ["full"]
    taken = mailbox.take("full")
    assert taken is not None
    assert (taken.merged, taken.agreed) == (["c", "d"], EARLY)


def test_what_waits_can_be_refused() -> None:
    mailbox = Mailbox()
    ask(mailbox, "a")
    assert [request.run for request in mailbox.clear()] == ["a"]
    assert not mailbox.waiting()


async def test_a_letter_wakes_also_who_was_not_waiting_yet() -> None:
    mailbox = Mailbox()
    mailbox.wake()
    mailbox.wake()
    await mailbox.wait()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.wait)
        await wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        ask(mailbox, "a")
