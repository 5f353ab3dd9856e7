"""The steps from what the warehouse reports to a level, for people."""

from collections.abc import Iterator
from decimal import Decimal

from dropstreamd.channels.allocation import Worked, rule_at
from dropstreamd.channels.places import WHOLE, Place
from dropstreamd.config.schema import WHOLE_PPM, Allocation
from dropstreamd.control.messages.look import AllocationStep, ComponentShown, SkuShown


def components(worked: Worked) -> Iterator[ComponentShown]:
    """What it is made of."""
    for left in worked.components:
        one = left.component
        yield ComponentShown(
            sku=one.sku,
            units=one.units,
            reported=one.reported,
            unsent=one.unsent,
            safety=left.safety,
            left=left.left,
            builds=left.builds,
        )


def allocation(
    sold: str, worked: Worked, settings: Allocation, place: Place = WHOLE
) -> Iterator[AllocationStep]:
    """Every rule that is set for what is sold, in the order in which they apply."""
    rule = rule_at(settings, sold, place)
    single = worked.components[0] if worked.components[0].component.sku == sold else None
    if single is not None and single.safety:
        yield AllocationStep(rule="safety stock", setting=str(single.safety), units=single.left)
    elif worked.safety:
        left = max(0, worked.built - worked.safety)
        yield AllocationStep(rule="safety stock", setting=str(worked.safety), units=left)
    if rule.fixed is not None:
        yield AllocationStep(rule="fixed", setting=str(rule.fixed), units=worked.offered)
    if settings.share_ppm != WHOLE_PPM:
        setting = f"{(Decimal(settings.share_ppm) / 10_000).normalize():f}%"
        yield AllocationStep(rule="share", setting=setting, units=worked.shared)
    if rule.maximum is not None:
        yield AllocationStep(rule="maximum", setting=str(rule.maximum), units=worked.capped)
    if rule.minimum:
        yield AllocationStep(rule="minimum", setting=str(rule.minimum), units=worked.level)


# ---- in sentences

_SAID = {
    "safety stock": "{setting} are held back as safety stock",
    "fixed": "at most {setting} are offered to all stores together",
    "share": "this store's share is {setting}",
    "maximum": "one store shows at most {setting}",
    "minimum": "less than {setting} are shown as 0",
}


def of_bundle(shown: SkuShown) -> Iterator[str]:
    """What it is made of, and how many can be built."""
    for one in shown.components:
        reported = "never reported" if one.reported is None else f"{one.reported} reported"
        less = [
            f"{units} {what}" for units, what in ((one.unsent, "unsent"), (one.safety, "held back")) if units
        ]
        taken = f", less {' and '.join(less)}" if less else ""
        yield f"{one.units} × {one.sku} each: {reported}{taken}, enough for {one.builds}"
    scarcest = min(shown.components, key=lambda one: one.builds)
    yield f"so {shown.built} can be built, by its scarcest component {scarcest.sku}"


def of_allocation(shown: SkuShown) -> Iterator[str]:
    """What the rules leave of it."""
    for step in shown.allocation:
        yield f"{_SAID[step.rule].format(setting=step.setting)}, which leaves {step.units}"
