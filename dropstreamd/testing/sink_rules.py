"""Rules for a part that takes documents: a warehouse's orders, a store's shipments and levels."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from dropstreamd.model.handover import Accepted, Preparation, Rejected, Untouched
from dropstreamd.platform.contract import Handed, Part, Sink
from dropstreamd.testing.attempt import Attempt, Lost, stamp
from dropstreamd.testing.daemon import Steps, When
from dropstreamd.testing.error_rules import MOST_STEPS
from dropstreamd.testing.rig import AmendBench, SinkBench
from dropstreamd.testing.stand import (
    ContractBroken,
    NotApplicable,
    Stand,
    broken,
    ours,
    require,
    told,
    within,
)

MOST_RECORDS = 20
WHENS: tuple[When, ...] = ("before", "after")


async def its_writes_are_possible(stand: Stand, part: Part) -> None:
    """What it declares of its writes fits together."""
    async with stand.session() as session:
        writes = getattr(session, part.attribute).writes
    require(writes.batch >= 1, "a batch is less than one document")
    require(writes.repeat in ("key", "lookup", "never"), f"it repeats {writes.repeat!r}")
    require(writes.repeat != "never" or writes.batch == 1, "what repeats `never` gets one at a time")
    require(writes.repeat != "key" or writes.retention_s > 0, "a key is kept for no time: retention_s is 0")
    require(writes.visible_after_s >= 0, "visible_after_s is negative")


async def prepare_is_pure(stand: Stand, part: Part) -> None:
    """The same items and stamp give the same bytes, in another session too, and nothing is sent. Each
    key is in exactly one place, in no more than a batch."""
    bench: SinkBench[Any] = stand.bench(part)
    items = [*await bench.items(3), await bench.refused()]
    answers: list[Preparation] = []
    batch = 0
    before = await stand.rig.trace()
    for _ in range(2):
        async with stand.session() as session:
            sink: Sink[Any] = getattr(session, part.attribute)
            batch = sink.writes.batch
            answers += [sink.prepare(items, stamp(1)), sink.prepare(items, stamp(1))]
    require(all(answer == answers[0] for answer in answers), "prepare makes different bytes of the same")
    require(await stand.rig.trace() == before, "prepare has written")
    found = [key for one in answers[0].prepared for key in one.keys]
    found += [one.key for one in answers[0].rejected]
    keys = [item.key for item in items]
    require(sorted(found) == sorted(keys), f"of the keys {keys} prepare answers for {found}")
    names = [one.name for one in answers[0].prepared]
    require(len(set(names)) == len(names) and all(names), "two of what was prepared have one name, or none")
    for one in answers[0].prepared:
        require(1 <= len(one.keys) <= batch, f"{len(one.keys)} documents at once, with a batch of {batch}")


async def every_key_has_an_outcome(stand: Stand, part: Part) -> None:
    """Good documents arrive once and are accepted; one that must be refused is, with cause and reason,
    beside them and not instead of them."""
    bench: SinkBench[Any] = stand.bench(part)
    items, refused = await bench.items(3), await bench.refused()
    async with stand.session() as session:
        sink: Sink[Any] = getattr(session, part.attribute)
        outcomes: dict[str, Any] = {}
        preparation = sink.prepare([*items, refused], stamp(1))
        for one in preparation.rejected:
            outcomes[one.key] = one
        for prepared in preparation.prepared:
            found = await within("push", sink.push(prepared, Steps()))
            keys = sorted(outcome.key for outcome in found)
            require(keys == sorted(prepared.keys), f"for the keys {prepared.keys} push answers for {keys}")
            outcomes |= {outcome.key: outcome for outcome in found}
    for item in items:
        outcome = outcomes.get(item.key)
        require(isinstance(outcome, Accepted), f"a good document comes to {outcome}")
        require(list(await bench.effects(item)) == ["whole"], "an accepted document has not arrived once")
    refusal = outcomes.get(refused.key)
    require(isinstance(refusal, Rejected), f"a document that must be refused comes to {refusal}")
    if isinstance(refusal, Rejected):
        require(refusal.cause and refusal.reason, "a rejected document does not say why")
        stand.see("a reason", refusal.cause, refusal.reason)
    require(not await bench.effects(refused), "a rejected document has arrived")


async def what_was_handed_over_is_seen(stand: Stand, part: Part) -> None:
    """Where the warehouse can be asked for orders, one that was just handed over is there, and one that
    never was is not; the look writes nothing."""
    bench: SinkBench[Any] = stand.bench(part)
    (item,) = await bench.items(1)
    async with stand.session() as session:
        if session.handed is None:
            raise NotApplicable("it cannot look where an order is")
        sink: Sink[Any] = getattr(session, part.attribute)
        (prepared,) = sink.prepare([item], stamp(1)).prepared
        (outcome,) = await within("push", sink.push(prepared, Steps()))
        if not isinstance(outcome, Accepted):
            broken(f"a good document comes to {outcome}")
        before = await stand.rig.trace()
        asked = [
            Handed(reference=item.document.reference, remote=outcome.remote),
            Handed(reference="never-sent", remote="never-sent"),
        ]
        seen, never = await within("look", session.handed.look(asked))
    require(await stand.rig.trace() == before, "the look has written")
    require(seen.where in ("waiting", "there"), f"what was just handed over is {seen.where}: {seen.detail}")
    require(never.where not in ("waiting", "there"), f"what was never handed over is {never.where}")
    stand.see("a detail", seen.detail, never.detail)


async def a_push_that_is_cut_has_its_effect_once(stand: Stand, part: Part) -> None:
    """The connection is cut at each step of a push. What the sink declares as `repeat` then leads to
    one effect, and what it says of it is true."""
    await _cut_everywhere(stand, part, _attempt)


async def a_push_that_is_cancelled_has_its_effect_once(stand: Stand, part: Part) -> None:
    """As when it is cut, and no connection stays open."""
    for at in range(1, MOST_STEPS):
        attempt, steps = await _attempt(stand, part, at), Steps()
        outcome = await attempt.push(steps, cancel_at=at)
        struck = attempt.struck
        await attempt.settle(outcome, steps)
        if not struck:
            return
    broken(f"a push takes more than {MOST_STEPS} steps")


async def a_push_that_dies_has_its_effect_once(stand: Stand, part: Part) -> None:
    """The daemon dies before and after each step that a push records, and again at each that recover
    records."""
    number = 0
    for when in WHENS:
        for at in range(1, MOST_RECORDS):
            for again_at in range(MOST_RECORDS):
                number += 2
                attempt, steps = await _attempt(stand, part, number), Steps(die_at=at, when=when)
                outcome = await attempt.push(steps)
                again = Steps(step=steps.step, die_at=again_at, when=when)
                if isinstance(outcome, Lost) and again_at and _looks_up(attempt):
                    outcome = await attempt.recover(again)
                    await attempt.settle(outcome, again)
                else:
                    await attempt.settle(outcome, steps)
                if again_at and not again.died:
                    break
                if not _looks_up(attempt):
                    break
            if not steps.died:
                break


async def an_amendment_takes_the_place_of_what_was_told(stand: Stand, part: Part) -> None:
    """A document that changed after it was accepted: the counterpart shows it as it is now, once, and
    no more as it was. Amended to what it shows already, it stays as it is."""
    bench: AmendBench[Any] = stand.bench(part)
    attempt = await _amendment(stand, part, 1)
    outcome = await attempt.push(Steps())
    await attempt.judge(outcome, accepted=True)
    if attempt.before is not None:
        left = list(await bench.effects(attempt.before))
        require("whole" not in left, "the counterpart shows the document as it was before, too")
    remote = outcome.remote if isinstance(outcome, Accepted) else ""
    same = msgspec.structs.replace(attempt.item, remote=remote)
    before = await stand.rig.trace()
    again = Attempt(stand, part, same, 6)
    await again.judge(await again.push(Steps()), accepted=True)
    require(await stand.rig.trace() == before, "an amendment to what is there already has written")


async def an_amendment_that_is_interrupted_ends_as_one(stand: Stand, part: Part) -> None:
    """The connection is cut at each step of an amendment, and the daemon dies at each that it records. In
    the end the counterpart shows the document as it is now, once; untouched means that it still shows
    it as it was."""
    await _cut_everywhere(stand, part, _amendment)
    number = MOST_STEPS
    for when in WHENS:
        for at in range(1, MOST_RECORDS):
            number += 1
            attempt, steps = await _amendment(stand, part, number), Steps(die_at=at, when=when)
            await attempt.settle(await attempt.push(steps), steps)
            if not steps.died:
                break


async def a_repeated_push_has_its_effect_once(stand: Stand, part: Part) -> None:
    """Under `key`, what was accepted may be pushed again, in the same session and in another."""
    attempt = await _attempt(stand, part, 1)
    await attempt.judge(await attempt.push(Steps()), accepted=True)
    if attempt.writes is None or attempt.writes.repeat != "key":
        raise NotApplicable("it does not repeat by key")
    for _ in range(2):
        await attempt.judge(await attempt.push(Steps()), accepted=True)


async def what_was_accepted_is_found_again(stand: Stand, part: Part) -> None:
    """Under `lookup`, recover finds what arrived, with the last step recorded, asked once or twice."""
    attempt, steps = await _attempt(stand, part, 1), Steps()
    await attempt.judge(await attempt.push(steps), accepted=True)
    if not _looks_up(attempt):
        raise NotApplicable("it does not repeat by lookup")
    for _ in range(2):
        again = Steps(step=steps.step)
        await attempt.judge(await attempt.recover(again), accepted=part is not Part.INVENTORY)


async def what_is_not_wanted_any_more_is_not_sent(stand: Stand, part: Part) -> None:
    """An act that records steps asks once, before its effect, whether it is still wanted; where it is
    not, it is untouched."""
    bench: SinkBench[Any] = stand.bench(part)
    attempt = await _attempt(stand, part, 1)

    async def nothing_yet() -> None:
        require(not await bench.effects(attempt.item), "it asks whether the write is wanted after its effect")

    steps = Steps(asked=nothing_yet)
    await attempt.judge(await attempt.push(steps), accepted=True)
    if not steps.count:
        raise NotApplicable("it records no steps")
    if part is Part.INVENTORY and not steps.times_asked:
        raise NotApplicable("a level is not withdrawn")
    require(steps.times_asked, "it records steps, and never asks whether the write is still wanted")
    other = await _attempt(stand, part, 3)
    outcome = await other.push(Steps(wanted=False))
    require(isinstance(outcome, Untouched), f"a write that is not wanted any more comes to {outcome}")
    await other.judge(outcome)


async def a_slow_line_changes_nothing(stand: Stand, part: Part) -> None:
    """Bytes that come one by one are the same bytes."""
    bench: SinkBench[Any] = stand.bench(part)
    (item,) = await bench.items(1)
    stand.proxy.trickle()
    async with stand.session() as session:
        sink: Sink[Any] = getattr(session, part.attribute)
        (prepared,) = sink.prepare([item], stamp(1)).prepared
        (outcome,) = await within("push", sink.push(prepared, Steps()))
    require(isinstance(outcome, Accepted), f"over a slow line a good document comes to {outcome}")
    require(list(await bench.effects(item)) == ["whole"], "over a slow line it does not arrive once")


Make = Callable[[Stand, Part, int], Awaitable[Attempt]]
"""Makes an attempt, on a document of its own, for each number."""


async def _cut_everywhere(stand: Stand, part: Part, make: Make) -> None:
    for at in range(1, MOST_STEPS):
        attempt, steps = await make(stand, part, at), Steps()
        try:
            outcome = await attempt.push(steps, cut_at=at)
        except Exception as error:
            require(
                ours(error) or isinstance(error, ContractBroken), f"cut at {at}, push raises {told(error)}"
            )
            raise
        struck = attempt.struck
        await attempt.settle(outcome, steps)
        if not struck:
            return
    broken(f"a push takes more than {MOST_STEPS} steps")


async def _amendment(stand: Stand, part: Part, number: int) -> Attempt:
    """To change a document that was accepted just now."""
    if part not in stand.plugin.amends(stand.settings()):
        raise NotApplicable("it does not amend")
    bench: AmendBench[Any] = stand.bench(part)
    (item,) = await bench.items(1)
    async with stand.session() as session:
        sink: Sink[Any] = getattr(session, part.attribute)
        (prepared,) = sink.prepare([item], stamp(number * 4)).prepared
        (outcome,) = await within("push", sink.push(prepared, Steps()))
    remote = outcome.remote if isinstance(outcome, Accepted) else broken(f"it comes to {outcome}")
    return Attempt(stand, part, bench.amended(item, remote), number * 4 + 2, before=item)


async def _attempt(stand: Stand, part: Part, number: int) -> Attempt:
    bench: SinkBench[Any] = stand.bench(part)
    (item,) = await bench.items(1)
    return Attempt(stand, part, item, number * 2)


def _looks_up(attempt: Attempt) -> bool:
    return attempt.writes is not None and attempt.writes.repeat == "lookup"
