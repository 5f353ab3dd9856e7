"""The feed breaker: whether a snapshot is to be believed, by what it changes of the figures known."""

from collections.abc import Mapping, Set

from dropstreamd.config.schema import Breaker
from dropstreamd.model.stock import AHEAD_S


class Difference:
    """What a snapshot changes of the figures known: found in one pass, since there may be a million.

    `changed` are the new figures of SKUs that have another, or had none; `missing` those known that
    it lacks, `zeroed` how many had stock and have none. `gone` are known SKUs that the snapshot
    before lacked already: `present` are the others.
    """

    def __init__(
        self, known: Mapping[str, int], figures: Mapping[str, int], gone: Set[str] = frozenset()
    ) -> None:
        self.known = known
        self.present = {sku: known[sku] for sku in known if sku not in gone} if gone else known
        self.figures = figures
        changed: dict[str, int] = {}
        self.changed = changed
        self.zeroed = 0
        new = 0
        for sku, quantity in figures.items():
            before = known.get(sku)
            if before != quantity:
                changed[sku] = quantity
                if before is None:
                    new += 1
                elif before > 0 >= quantity:
                    self.zeroed += 1
        lost = len(known) - (len(figures) - new)
        self.missing = [sku for sku in known if sku not in figures] if lost else []


def judge(difference: Difference, breaker: Breaker, *, age_s: float) -> str:
    """Why a snapshot should not be believed; empty if it should. A first one is judged by its age
    and by being empty only."""
    if not difference.figures:
        return "it has no rows"
    if age_s < -AHEAD_S:
        return f"its time is {-age_s / 3600:.1f} hours ahead of now: is the warehouse's timezone right?"
    if age_s > breaker.stale_after_s:
        return f"it is {age_s / 3600:.1f} hours old, more than {breaker.stale_after_s / 3600:.1f}"
    return _lost(difference, breaker) or _zeroed(difference, breaker) or _raised(difference, breaker)


def _lost(difference: Difference, breaker: Breaker) -> str:
    known = len(difference.present)
    lost = sum(1 for sku in difference.missing if sku in difference.present)
    if lost <= breaker.lost_share * known:
        return ""
    return f"{lost} of {known} SKUs are missing, more than {breaker.lost_share:.0%}"


def _zeroed(difference: Difference, breaker: Breaker) -> str:
    if not difference.zeroed:
        return ""
    stocked = sum(1 for quantity in difference.present.values() if quantity > 0)
    if difference.zeroed <= breaker.zeroed_share * stocked:
        return ""
    share = f"{breaker.zeroed_share:.0%}"
    return f"{difference.zeroed} of {stocked} SKUs in stock became 0, more than {share}"


def _raised(difference: Difference, breaker: Breaker) -> str:
    before, after = sum(difference.present.values()), sum(difference.figures.values())
    if before <= 0 or after <= before * (1 + breaker.raised_share):
        return ""
    return f"its {after} units are more than {1 + breaker.raised_share:g} times the {before} before"
