"""What a run counted, in words."""

from collections.abc import Mapping

_WORDS = {
    "undecodable": ("unreadable", "unreadable"),
    "unmatched": ("of nothing known here", "of nothing known here"),
    "tasks": ("task", "tasks"),
    "items": ("item", "items"),
    "adjustments": ("adjustment", "adjustments"),
    "again": ("to be pushed again", "to be pushed again"),
    "nothing_left": ("with nothing left to send", "with nothing left to send"),
    "locations_gone": ("location gone", "locations gone"),
}
"""Of one and of more, where the count's own name does not say it."""

_SNAPSHOTS = "snapshots_"


def counts_text(counts: Mapping[str, int]) -> str:
    """What a run counted, as in `3 staged, 2 pushed`; what is zero is left out."""
    return ", ".join(f"{total} {_words(what, total)}" for what, total in counts.items() if total)


def _words(what: str, total: int) -> str:
    one, more = _WORDS.get(what, (what, what))
    if what.startswith(_SNAPSHOTS):
        verdict = what.removeprefix(_SNAPSHOTS)
        one, more = f"snapshot {verdict}", f"snapshots {verdict}"
    return (one if total == 1 else more).replace("_", " ")
