"""The suite fails where it should: each rule has a plugin that breaks it, and no good one does."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

import dropstream_file_exchange
import dropstream_vendure
from dropstream_file_exchange.settings import Settings
from dropstreamd.errors import AuthFailed, Misconfigured, ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Accepted, Part, Plugin, Untouched
from dropstreamd.testing import OpenRig, Rig, check, contract_tests
from dropstreamd.testing.rules import rules_for
from dropstreamd.testing.stand import ContractBroken

from . import mutants
from .mutants import failing, first, paging, reading, with_part, with_session
from .sftp_rigs import sandbox_sftp
from .toy import TOY, TOY_WITH_SHELF, toy_rig
from .vendure_rigs import vendure_double

FILES = dropstream_file_exchange.PLUGIN
SHOP = dropstream_vendure.PLUGIN
GOOD: tuple[Plugin[Any], ...] = (FILES, SHOP, TOY)
LEFT_OPEN: list[socket.socket] = []


def plain_toy() -> AbstractAsyncContextManager[Rig[Any]]:
    return toy_rig()


class Loose(Settings, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Settings that take any key."""


class Mutant(msgspec.Struct, frozen=True):
    """A plugin that breaks `rule`, and what the suite is to say of it."""

    rule: str
    says: str
    plugin: Plugin[Any]


def changed(plugin: Plugin[Any], **changes: Any) -> Plugin[Any]:
    return msgspec.structs.replace(plugin, **changes)


def choosy(settings: Settings) -> list[Any]:
    if "@" not in settings.url:
        raise ValueError("no user in the address")
    return []


def in_files(part: str, change: Callable[[Any], Any]) -> Plugin[Any]:
    return with_part(FILES, part, change)


def in_shop(part: str, change: Callable[[Any], Any]) -> Plugin[Any]:
    return with_part(SHOP, part, change)


def in_session(change: Callable[[Any], Any]) -> Plugin[Any]:
    return with_session(FILES, change)


OF_PLUGINS = [
    Mutant("plugin-the-plugin-is-valid", "forbid_unknown_fields", changed(FILES, settings=Loose)),
    Mutant("plugin-settings-are-looked-at-without-effect", "raises", changed(FILES, check=choosy)),
    Mutant(
        "plugin-the-account-key-names-the-account",
        "changes with the name of a secret",
        changed(FILES, account_key=str),
    ),
    Mutant(
        "plugin-it-offers-what-it-provides",
        "does not provide",
        changed(FILES, provides=frozenset({Part.ORDERS})),
    ),
    Mutant(
        "plugin-it-offers-what-it-provides", "session has none", in_files("inventory", lambda _source: None)
    ),
    Mutant("plugin-test-reads-only", "has written", in_session(first(mutants.leave_a_file))),
    Mutant(
        "plugin-test-cleans-up-what-it-wrote",
        "leaves something behind",
        in_session(first(mutants.leave_a_file_when_writing)),
    ),
    Mutant("plugin-survey-reads-only", "has written", in_session(mutants.surveying)),
    Mutant("plugin-samples-are-read-without-raising", "UnicodeDecodeError", in_session(mutants.sampling)),
    Mutant(
        "plugin-wrong-credentials-are-auth-failed",
        "raise Misconfigured",
        in_session(failing(AuthFailed, lambda _session: Misconfigured("no"))),
    ),
    Mutant(
        "plugin-a-cut-read-raises-our-errors",
        "a secret's text",
        in_session(failing(Unreachable, mutants.tell_the_password)),
    ),
    Mutant(
        "plugin-nobody-there-is-unreachable",
        "raises ConnectionError",
        in_session(failing(Unreachable, lambda _session: ConnectionError())),
    ),
    Mutant(
        "plugin-garbage-is-a-mismatch-or-unreachable",
        "raises ValueError",
        with_session(SHOP, failing(ProtocolMismatch, lambda _session: ValueError())),
    ),
    Mutant(
        "plugin-a-cut-read-raises-our-errors",
        "raises KeyError",
        in_session(failing(Unreachable, lambda _session: KeyError())),
    ),
    Mutant(
        "plugin-a-slow-line-changes-nothing",
        "half a line came",
        in_session(first(mutants.take_the_first_bytes_for_all)),
    ),
    Mutant(
        "plugin-a-cancelled-read-leaves-no-connection", "stays open", in_session(mutants.leaking(LEFT_OPEN))
    ),
]
OF_SOURCES = [
    Mutant("orders-every-document-comes", "do not come", in_shop("orders", paging(mutants.ends_early))),
    Mutant("orders-every-document-comes", "bytes", in_shop("orders", paging(mutants.long_keys))),
    Mutant(
        "shipments-the-same-document-has-the-same-key",
        "differs when read again",
        in_files("shipments", paging(mutants.new_keys)),
    ),
    Mutant(
        "shipments-reading-changes-nothing",
        "reading has written",
        in_files("shipments", mutants.confirms_at_once),
    ),
    Mutant("orders-the-cursor-loses-nothing", "do not come", in_shop("orders", paging(mutants.nothing_new))),
    Mutant(
        "orders-what-changes-while-paging-comes",
        "not seen changed",
        in_shop("orders", paging(mutants.only_once(set()))),
    ),
    Mutant(
        "shipments-a-bad-document-sinks-no-page",
        "ProtocolMismatch",
        in_files("shipments", paging(mutants.sunk_by_one)),
    ),
    Mutant(
        "shipments-what-was-taken-comes-empty",
        "brings its documents again",
        in_files("shipments", mutants.remembers_nothing),
    ),
    Mutant("shipments-confirm-is-idempotent", "comes again", in_files("shipments", mutants.confirms_nothing)),
    Mutant(
        "shipments-a-cut-run-loses-nothing",
        "RuntimeError",
        in_files("shipments", mutants.loses_its_temper(Unreachable)),
    ),
    Mutant(
        "orders-a-run-among-outages-loses-nothing",
        "RuntimeError",
        in_shop("orders", mutants.loses_its_temper(ProtocolMismatch)),
    ),
    Mutant(
        "orders-a-cancelled-order-comes-as-cancelled",
        "told as",
        in_shop("orders", paging(mutants.without_cancelled)),
    ),
    Mutant(
        "orders-an-order-is-read-again-as-it-was-told",
        "differs when asked for by its key",
        in_shop("orders_again", reading(mutants.without_method)),
    ),
    Mutant(
        "orders-an-order-that-changed-is-read-again-as-it-is",
        "read again as nothing",
        in_shop("orders_again", reading(mutants.without_cancelled)),
    ),
    Mutant(
        "orders-an-odd-key-or-order-sinks-no-other",
        "is not told of when asked for",
        in_shop("orders_again", reading(mutants.without_bad)),
    ),
    Mutant(
        "orders-an-order-that-the-store-fails-over-holds-up-no-other",
        "ProtocolMismatch",
        in_shop("orders", paging(mutants.sunk_by_one)),
    ),
    Mutant(
        "orders-an-order-that-the-store-fails-over-holds-up-no-other",
        "by their keys",
        in_shop("orders_again", reading(mutants.without_bad)),
    ),
    Mutant("orders-orders-are-fit-to-send", "no zone", in_shop("orders", paging(mutants.naive))),
]
OF_STOCK = [
    Mutant(
        "inventory-a-snapshot-comes-whole", "last page", in_files("inventory", paging(mutants.never_last))
    ),
    Mutant(
        "inventory-snapshots-come-oldest-first",
        "follows the last one",
        in_files("inventory", paging(mutants.one_name)),
    ),
    Mutant("inventory-a-snapshot-keeps-its-name", "differs", in_files("inventory", paging(mutants.new_name))),
    Mutant(
        "inventory-a-bad-row-sinks-no-snapshot",
        "not told of",
        in_files("inventory", paging(mutants.without_bad)),
    ),
    Mutant(
        "inventory-a-taken-snapshot-comes-empty",
        "comes as one again",
        in_files("inventory", mutants.remembers_nothing),
    ),
    Mutant(
        "inventory-a-snapshot-among-outages-comes-whole",
        "RuntimeError",
        with_part(TOY_WITH_SHELF, "inventory", mutants.loses_its_temper(ProtocolMismatch)),
    ),
    Mutant(
        "inventory-a-confirmed-snapshot-is-gone",
        "0 snapshots wait",
        in_files("inventory", mutants.confirms_nothing),
    ),
]
OF_SINKS = [
    Mutant("orders-its-writes-are-possible", "batch", in_files("orders", mutants.declares(batch=0))),
    Mutant("orders-prepare-is-pure", "different bytes", in_files("orders", mutants.prepares_by_chance)),
    Mutant("orders-prepare-is-pure", "answers for", in_files("orders", mutants.forgets_the_refused)),
    Mutant("orders-every-key-has-an-outcome", "push answers for", in_files("orders", mutants.says_nothing)),
    Mutant(
        "shipments-a-push-that-is-cut-has-its-effect-once",
        "Untouched, and its effects",
        in_shop("shipments", mutants.is_too_sure),
    ),
    Mutant(
        "shipments-a-push-that-is-cut-has-its-effect-once",
        "Untouched, and its effects",
        in_shop("shipments", mutants.recovers(Untouched)),
    ),
    Mutant(
        "shipments-a-push-among-outages-has-its-effect-once",
        "raises Unreachable",
        in_shop("shipments", mutants.is_too_sure),
    ),
    Mutant(
        "shipments-a-push-that-is-cancelled-has-its-effect-once",
        "Accepted, and its effects",
        in_shop("shipments", mutants.recovers(Accepted)),
    ),
    Mutant(
        "orders-a-push-that-dies-has-its-effect-once",
        "Accepted, and its effects",
        in_files("orders", mutants.recovers(Accepted)),
    ),
    Mutant(
        "shipments-an-amendment-takes-the-place-of-what-was-told",
        "Accepted, and its effects",
        in_shop("shipments", mutants.forgets_what_was_told),
    ),
    Mutant(
        "shipments-an-amendment-that-is-interrupted-ends-as-one",
        "Accepted, and its effects",
        in_shop("shipments", mutants.recovers(Accepted)),
    ),
    Mutant(
        "shipments-an-amendment-that-is-interrupted-ends-as-one",
        "Untouched, and the effects of what was to be amended",
        in_shop("shipments", mutants.recovers(Untouched)),
    ),
    Mutant(
        "orders-what-was-accepted-is-found-again",
        "comes to Untouched",
        in_files("orders", mutants.recovers(Untouched)),
    ),
    Mutant(
        "orders-what-is-not-wanted-any-more-is-not-sent",
        "never asks",
        in_files("orders", mutants.sends_in_any_case),
    ),
    Mutant(
        "orders-a-slow-line-changes-nothing",
        "half a line came",
        in_files("orders", mutants.gives_up_when_slow),
    ),
    Mutant(
        "orders-what-was-handed-over-is-seen",
        "what was just handed over is gone",
        in_files("handed", mutants.sees("gone")),
    ),
    Mutant(
        "orders-what-was-handed-over-is-seen",
        "what was never handed over is waiting",
        in_files("handed", mutants.sees("waiting")),
    ),
    Mutant(
        "inventory-a-level-is-set-at-the-location-that-it-names",
        "a level of 3 at Annex is not there",
        in_shop("inventory", mutants.always_at("7")),
    ),
    Mutant(
        "inventory-a-level-at-no-location-of-the-store-is-told-so",
        "is taken",
        in_shop("inventory", mutants.always_at("7")),
    ),
]
MUTANTS = [*OF_PLUGINS, *OF_SOURCES, *OF_STOCK, *OF_SINKS]


def rig_of(plugin: Plugin[Any], tmp_path: Path) -> OpenRig:
    rigs = {"vendure": vendure_double, "toy": plain_toy}
    return rigs.get(plugin.name, partial(sandbox_sftp, tmp_path))


def try_rule(name: str, plugin: Plugin[Any], open_rig: OpenRig) -> None:
    good = next(each for each in (FILES, SHOP, TOY_WITH_SHELF) if each.name == plugin.name)
    (rule,) = [rule for rule in rules_for(good) if rule.name == name]
    check(rule, plugin, open_rig)


@pytest.mark.parametrize("mutant", [pytest.param(each, id=f"{each.rule}: {each.says}") for each in MUTANTS])
def test_it_finds(mutant: Mutant, tmp_path: Path) -> None:
    try:
        with pytest.raises(ContractBroken, match=mutant.says):
            try_rule(mutant.rule, mutant.plugin, rig_of(mutant.plugin, tmp_path))
    finally:
        for stream in LEFT_OPEN:
            stream.close()
        LEFT_OPEN.clear()


@pytest.mark.parametrize(
    "rule", ["a-push-that-is-cut-has-its-effect-once", "a-repeated-push-has-its-effect-once"]
)
def test_it_finds_a_platform_that_forgets_its_keys(rule: str) -> None:
    with pytest.raises(ContractBroken, match="its effects in the counterpart are"):
        try_rule(f"orders-{rule}", TOY, partial(toy_rig, forgetful=True))


@pytest.mark.parametrize(
    ("many", "says"), [(0, "a snapshot comes in several pages"), (5, "rows came in one page")]
)
def test_a_rig_tells_whether_a_snapshot_has_pages(many: int, says: str, tmp_path: Path) -> None:
    @asynccontextmanager
    async def other_rig() -> AsyncIterator[Rig[Any]]:
        async with sandbox_sftp(tmp_path) as rig:
            rig.benches[Part.INVENTORY].many = many
            yield rig

    with pytest.raises(ContractBroken, match=says):
        try_rule("inventory-a-snapshot-comes-whole", FILES, other_rig)


def test_a_snapshot_among_outages() -> None:
    try_rule("inventory-a-snapshot-among-outages-comes-whole", TOY_WITH_SHELF, plain_toy)


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    mutated = frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY})  # for the others see the depot's
    plugins = [msgspec.structs.replace(each, provides=each.provides & mutated) for each in GOOD]
    rules = {of_rule(rule.name) for plugin in plugins for rule in rules_for(plugin)}
    broken = {of_rule(mutant.rule) for mutant in MUTANTS} | {"a-repeated-push-has-its-effect-once"}
    assert broken == rules


def of_rule(name: str) -> str:
    """The rule's name without the part it was tried on."""
    return name.partition("-")[2]


test_a_sink_that_repeats_by_key = contract_tests(TOY, plain_toy)


class TestWaivers:
    """They carry a reason, and fail when nothing is left to be waived."""

    def run(self, request: pytest.FixtureRequest, rule: str, plugin: Plugin[Any], **waivers: str) -> None:
        given = {name.replace("_", "-"): reason for name, reason in waivers.items()}
        made: Any = contract_tests(plugin, plain_toy, waivers=given)
        (found,) = [each for each in rules_for(TOY) if each.name == rule]
        made(rule=found, request=request)

    def test_a_broken_rule_is_waived(self, request: pytest.FixtureRequest) -> None:
        broken = with_part(TOY, "orders", mutants.declares(batch=0))
        name = "orders-its-writes-are-possible"
        with pytest.raises(pytest.xfail.Exception, match="because"):
            self.run(request, name, broken, orders_its_writes_are_possible="because")
        with pytest.raises(ContractBroken):
            self.run(request, name, broken)

    @pytest.mark.parametrize(
        ("rule", "reason", "says"),
        [
            ("orders-its-writes-are-possible", "because", "the rule is kept"),
            ("orders-its-writes-are-possible", "", "gives no reason"),
            ("orders-what-was-accepted-is-found-again", "because", "does not repeat by lookup"),
            ("orders-no-such-rule", "because", "name no rule"),
        ],
    )
    def test_a_stale_waiver_fails(
        self, request: pytest.FixtureRequest, rule: str, reason: str, says: str
    ) -> None:
        tried = rule if "no-such" not in rule else "orders-its-writes-are-possible"
        with pytest.raises(pytest.fail.Exception, match=says):
            self.run(request, tried, TOY, **{rule.replace("-", "_"): reason})
