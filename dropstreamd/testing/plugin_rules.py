"""Rules for every plugin: what its `Plugin` value says, and what it opens."""

from collections.abc import Iterator
from typing import Any

import msgspec

from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.platform.contract import Part, Plugin, Role, SettingProblem
from dropstreamd.platform.plugin_check import faults
from dropstreamd.platform.secrets import SecretRef
from dropstreamd.testing.stand import Stand, broken, require, told, within

NONSENSE = ("", " ", "nonsense", "://", "a:b@c:d", "\u0000", "ä" * 300, "sftp://x:99999", "https://[")
SOURCE = ("page", "confirm")
SINK = ("prepare", "push", "recover")
METHODS = {
    Role.STORE: {
        Part.ORDERS: SOURCE,
        Part.SHIPMENTS: SINK,
        Part.INVENTORY: SINK,
        Part.PRODUCTS: SOURCE,
        Part.CATALOGUE: SINK,
        Part.RETURNS: SOURCE,
        Part.RECEIPTS: SINK,
        Part.PURCHASE_ORDERS: SINK,
    },
    Role.WAREHOUSE: {
        Part.ORDERS: SINK,
        Part.SHIPMENTS: SOURCE,
        Part.INVENTORY: SOURCE,
        Part.PRODUCTS: SINK,
        Part.CATALOGUE: SOURCE,
        Part.RETURNS: SINK,
        Part.RECEIPTS: SOURCE,
        Part.PURCHASE_ORDERS: SOURCE,
        Part.STOCK_NOTICES: SINK,
        Part.ACKNOWLEDGEMENTS: SOURCE,
    },
}


async def the_plugin_is_valid(stand: Stand) -> None:
    """Name, role, parts and settings are as the loader wants them."""
    plugin = stand.plugin
    wrong = faults(plugin, plugin.name)
    require(not wrong, "; ".join(wrong))
    amended = plugin.amends(stand.settings())
    require(amended <= plugin.provides, "it amends a part that it does not provide")
    cancelled = plugin.cancels(stand.settings())
    require(cancelled <= plugin.provides, "it cancels a part that it does not provide")
    needed, untold = plugin.needs(stand.settings()), plugin.untold(stand.settings())
    require(needed <= set(Fulfillment.__struct_fields__), "it needs a field that no fulfillment has")
    require(untold.keys() <= set(Package.__struct_fields__), "it leaves a field untold that no package has")
    offered = plugin.parts(stand.settings())
    require(offered <= plugin.provides, "it offers a part that it does not provide")
    table = {**stand.rig.table(stand.rig.port), "no-such-setting": 1}
    try:
        msgspec.convert(table, plugin.settings)
    except msgspec.ValidationError:
        return
    broken("its settings take a key that they do not know")


async def settings_are_looked_at_without_effect(stand: Stand) -> None:
    """`check`, `account_key`, `amends`, `pace` and `claims` say the same every time, and never raise."""
    settings = stand.settings()
    problems = _problems(stand.plugin, settings)
    require(not problems, f"check refuses the rig's own settings: {problems}")
    for odd in _odd_settings(settings):
        try:
            found = _problems(stand.plugin, odd)
            if not found:
                stand.plugin.account_key(odd)
                stand.plugin.formerly(odd)
                stand.plugin.amends(odd)
                stand.plugin.cancels(odd)
                stand.plugin.parts(odd)
                stand.plugin.lacks(odd)
                stand.plugin.needs(odd)
                stand.plugin.untold(odd)
                stand.plugin.pace(odd)
                stand.plugin.claims(odd)
        except Exception as error:  # noqa: BLE001 - whatever it is, it breaks the rule
            broken(f"check or account_key raises over odd settings: {told(error)}")


async def the_account_key_names_the_account(stand: Stand) -> None:
    """It is stable, and does not change when a secret gets another name."""
    key_of = stand.plugin.account_key
    key = key_of(stand.settings())
    require(key, "the account key is empty")
    require(key == key_of(stand.settings()), "the account key of the same settings differs")
    changes = {
        name: SecretRef(secret="another-name")  # noqa: S106 - a name
        for name, value in msgspec.structs.asdict(stand.settings()).items()
        if isinstance(value, SecretRef)
    }
    renamed = msgspec.structs.replace(stand.settings(), **changes)
    require(key == key_of(renamed), "the account key changes with the name of a secret")
    stand.see("the account key", key)


async def it_offers_what_it_provides(stand: Stand) -> None:
    """Each part in `provides` is there, no other is, and a warehouse reads samples."""
    async with stand.session() as session:
        for part, methods in METHODS[stand.plugin.role].items():
            offered = getattr(session, part.attribute, None)
            if part not in stand.plugin.parts(stand.settings()):
                require(offered is None, f"it offers {part.value}, and does not provide it")
                continue
            require(offered is not None, f"it provides {part.value}, and its session has none")
            for method in methods:
                require(callable(getattr(offered, method, None)), f"its {part.value} have no {method}")
        for method in ("test", "survey"):
            require(callable(getattr(session, method, None)), f"its session has no {method}")


async def samples_are_read_without_raising(stand: Stand) -> None:
    """A warehouse's `sample` says of any bytes what they are, or that they are nothing it knows."""
    if stand.plugin.role is not Role.WAREHOUSE:
        return
    async with stand.session() as session:
        accepted = stand.proxy.accepted
        for content in (b"", b"nonsense", b"\x00\xff" * 50, b'"', "ä;ö\r\n".encode("utf-16")):
            for name in ("sample.csv", "nonsense"):
                sample = session.sample(name, content)
                stand.see("a sample", *(bad.reason for bad in sample.bad), *map(repr, sample.findings))
        require(stand.proxy.accepted == accepted, "reading a sample connects")


async def test_reads_only(stand: Stand) -> None:
    """`test` finds nothing wrong with the rig, and without `write` leaves it as it was."""
    before = await stand.rig.trace()
    async with stand.session() as session:
        wrong = await stand.findings(session, write=False)
    require(not wrong, f"test finds fault with the rig: {wrong}")
    require(await stand.rig.trace() == before, "test without write has written")


async def test_cleans_up_what_it_wrote(stand: Stand) -> None:
    """`test` with `write` removes again whatever it put."""
    before = await stand.rig.trace()
    async with stand.session() as session:
        wrong = await stand.findings(session, write=True)
    require(not wrong, f"test with write finds fault with the rig: {wrong}")
    require(await stand.rig.trace() == before, "test with write leaves something behind")


async def survey_reads_only(stand: Stand) -> None:
    """`survey` leaves the counterpart as it was, also when there is something to see."""
    for part, bench in stand.rig.benches.items():
        if hasattr(bench, "add"):
            await bench.add(2)
        elif part is Part.INVENTORY and hasattr(bench, "snapshot"):
            await bench.snapshot({"A": 1, "B": 2})
    before = await stand.rig.trace()
    async with stand.session() as session:
        found = await within("survey", session.survey())
        stand.see("a survey", *map(repr, found.findings))
        if found.skus is not None:
            require(found.duplicate_skus <= found.skus, "survey knows duplicates that are no SKUs of its own")
    require(await stand.rig.trace() == before, "survey has written")


def _problems(plugin: Plugin[Any], settings: Any) -> list[SettingProblem]:
    found = list(plugin.check(settings))
    require(found == list(plugin.check(settings)), "check says two things of the same settings")
    for problem in found:
        known = problem.key.partition(".")[0] in {
            field.encode_name for field in msgspec.structs.fields(plugin.settings)
        }
        require(known, f"check complains of {problem.key!r}, which is no setting")
        require(problem.found and problem.allowed, f"check does not say what is wrong with {problem.key}")
    return found


def _odd_settings(settings: Any) -> Iterator[Any]:
    """The settings with one text at a time replaced by nonsense."""
    for name, value in msgspec.structs.asdict(settings).items():
        for odd in NONSENSE if isinstance(value, str) else ():
            yield msgspec.structs.replace(settings, **{name: odd})
