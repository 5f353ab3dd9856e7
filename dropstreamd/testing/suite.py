"""Running the rules: one at a time, or as tests of pytest's."""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from dropstreamd.platform.contract import Plugin
from dropstreamd.testing.proxy import proxy_to
from dropstreamd.testing.rig import Rig
from dropstreamd.testing.rules import Rule, rules_for
from dropstreamd.testing.stand import ContractBroken, NotApplicable, Stand, require, told

OpenRig = Callable[..., AbstractAsyncContextManager[Rig[Any]]]
"""Opens a rig. Its parameters, if any, are pytest fixtures by name."""

STRUCK = "struck"
"""The property of a test's report that has its `Struck`, as a pair."""
FASTER = 20.0
"""A plugin's retries and time-outs are waited for, but not long."""


def contract_tests(
    plugin: Plugin[Any],
    open_rig: OpenRig,
    *,
    waivers: Mapping[str, str] | None = None,
    faster: float = FASTER,
) -> Callable[..., None]:
    """A test for each rule that concerns the plugin; bind it to a name that begins with `test_`.

    `faster` is how much faster trio's seconds go than real ones: less for a slow counterpart, whose
    answers a time-out would else cut off.

    `waivers` name rules that the plugin breaks and why that is right. One without a reason, of a rule
    that is unknown or does not apply, or of a rule that is kept, fails.
    """
    given = dict(waivers or {})
    rules = rules_for(plugin)
    wanted = tuple(inspect.signature(open_rig).parameters)

    @pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in rules])
    def test_contract(rule: Rule, request: pytest.FixtureRequest) -> None:
        fixtures = {name: request.getfixturevalue(name) for name in wanted}
        stale = sorted(given.keys() - {each.name for each in rules})
        if stale:
            pytest.fail(f"these waivers name no rule: {', '.join(stale)}")
        reason = given.get(rule.name)
        if reason == "":
            pytest.fail(f"the waiver of {rule.name} gives no reason")
        try:
            struck = check(rule, plugin, partial(open_rig, **fixtures), faster=faster)
        except NotApplicable as error:
            if reason is not None:
                pytest.fail(f"the waiver of {rule.name} is stale: {error}")
            pytest.skip(str(error))
        except ContractBroken as error:
            if reason is not None:
                pytest.xfail(f"waived: {reason} ({error})")
            raise
        if reason is not None:
            pytest.fail(f"the waiver of {rule.name} is stale: the rule is kept")
        request.node.user_properties.append((STRUCK, (struck.pushes, struck.in_doubt)))

    test_contract.plugin = plugin  # type: ignore[attr-defined]
    # Named here too, so that pytest knows them before it runs anything.
    return pytest.mark.usefixtures(*wanted)(test_contract) if wanted else test_contract


class Struck(msgspec.Struct, frozen=True):
    """How many pushes a fault struck, and how many documents of them only a person could tell about."""

    pushes: int
    in_doubt: int


def check(rule: Rule, plugin: Plugin[Any], open_rig: OpenRig, *, faster: float = FASTER) -> Struck:
    """Try one rule on a rig of its own, with trio's clock running faster.

    Raises ContractBroken where the plugin does not keep it, NotApplicable where it says nothing about
    it; a rig's own errors as they are.
    """
    clock = MockClock(rate=faster)
    return trio.run(_check, rule, plugin, open_rig, clock, clock=clock)


async def _check(rule: Rule, plugin: Plugin[Any], open_rig: OpenRig, clock: MockClock) -> Struck:
    async with open_rig() as rig, _stand(plugin, rig, clock) as stand:
        # Brought out of the nurseries as a value, so that none wraps it.
        verdict = await _judged(rule, stand)
    if verdict is not None:
        raise verdict
    return Struck(stand.disturbed, stand.doubted)


@asynccontextmanager
async def _stand(plugin: Plugin[Any], rig: Rig[Any], clock: MockClock) -> AsyncIterator[Stand]:
    async with proxy_to(rig.port) as proxy:
        yield Stand(plugin, rig, proxy, clock)


async def _judged(rule: Rule, stand: Stand) -> ContractBroken | NotApplicable | None:
    """What the rule says; None where it is kept."""
    try:
        with stand.watching_logs(), stand.limit:
            await rule.check(stand)
        require(not stand.limit.cancelled_caught, "what the rule tries does not end")
        stand.check_secrets()
    except (ContractBroken, NotApplicable) as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, the rule is not kept
        broken = ContractBroken(f"the plugin, or the rig, raises {told(error)}, with nothing in its way")
        broken.__cause__ = error
        return broken
    finally:
        stand.proxy.mend()
    return None
