"""Every rule of the contract, and which of them concern a plugin."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from dropstreamd.platform.contract import Part, Plugin, Role
from dropstreamd.testing import (
    again_rules,
    error_rules,
    fault_rules,
    fitness_rules,
    level_rules,
    plugin_rules,
    sink_rules,
    source_rules,
    stock_rules,
)
from dropstreamd.testing.stand import NotApplicable, Stand

OfPlugin = Callable[[Stand], Awaitable[None]]
OfPart = Callable[[Stand, Part], Awaitable[None]]

PLUGIN: tuple[OfPlugin, ...] = (
    plugin_rules.the_plugin_is_valid,
    plugin_rules.settings_are_looked_at_without_effect,
    plugin_rules.the_account_key_names_the_account,
    plugin_rules.it_offers_what_it_provides,
    plugin_rules.test_reads_only,
    plugin_rules.test_cleans_up_what_it_wrote,
    plugin_rules.survey_reads_only,
    error_rules.wrong_credentials_are_auth_failed,
    error_rules.nobody_there_is_unreachable,
    error_rules.garbage_is_a_mismatch_or_unreachable,
    error_rules.a_cut_read_raises_our_errors,
    error_rules.a_slow_line_changes_nothing,
    error_rules.a_cancelled_read_leaves_no_connection,
)
WAREHOUSE: tuple[OfPlugin, ...] = (plugin_rules.samples_are_read_without_raising,)
SOURCE: tuple[OfPart, ...] = (
    source_rules.every_document_comes,
    source_rules.the_same_document_has_the_same_key,
    source_rules.reading_changes_nothing,
    source_rules.the_cursor_loses_nothing,
    source_rules.what_changes_while_paging_comes,
    source_rules.a_bad_document_sinks_no_page,
    source_rules.what_was_taken_comes_empty,
    source_rules.confirm_is_idempotent,
    source_rules.a_cut_run_loses_nothing,
    fault_rules.a_run_among_outages_loses_nothing,
)
ORDERS: tuple[OfPart, ...] = (
    *SOURCE,
    source_rules.a_cancelled_order_comes_as_cancelled,
    source_rules.orders_are_fit_to_send,
    again_rules.an_order_is_read_again_as_it_was_told,
    again_rules.an_order_that_changed_is_read_again_as_it_is,
    again_rules.an_odd_key_or_order_sinks_no_other,
    again_rules.an_order_that_the_store_fails_over_holds_up_no_other,
)
STOCK: tuple[OfPart, ...] = (
    stock_rules.a_snapshot_comes_whole,
    stock_rules.snapshots_come_oldest_first,
    stock_rules.a_snapshot_keeps_its_name,
    stock_rules.a_bad_row_sinks_no_snapshot,
    stock_rules.a_taken_snapshot_comes_empty,
    stock_rules.a_confirmed_snapshot_is_gone,
    fault_rules.a_snapshot_among_outages_comes_whole,
)
SINK: tuple[OfPart, ...] = (
    sink_rules.its_writes_are_possible,
    sink_rules.prepare_is_pure,
    sink_rules.every_key_has_an_outcome,
    sink_rules.a_push_that_is_cut_has_its_effect_once,
    sink_rules.a_push_that_is_cancelled_has_its_effect_once,
    sink_rules.a_push_that_dies_has_its_effect_once,
    sink_rules.an_amendment_takes_the_place_of_what_was_told,
    sink_rules.an_amendment_that_is_interrupted_ends_as_one,
    sink_rules.a_repeated_push_has_its_effect_once,
    sink_rules.what_was_accepted_is_found_again,
    sink_rules.what_is_not_wanted_any_more_is_not_sent,
    sink_rules.a_slow_line_changes_nothing,
    fault_rules.a_push_among_outages_has_its_effect_once,
)
LEVELS: tuple[OfPart, ...] = (
    *SINK,
    level_rules.a_level_is_set_at_the_location_that_it_names,
    level_rules.a_level_at_no_location_of_the_store_is_told_so,
)
RETURNS: tuple[OfPart, ...] = (
    *SOURCE,
    source_rules.a_cancelled_return_comes_as_cancelled,
    fitness_rules.returns_are_fit_to_expect,
)
OF_PARTS: dict[tuple[Role, Part], tuple[OfPart, ...]] = {
    (Role.STORE, Part.ORDERS): ORDERS,
    (Role.STORE, Part.SHIPMENTS): SINK,
    (Role.STORE, Part.INVENTORY): LEVELS,
    (Role.WAREHOUSE, Part.ORDERS): (*SINK, sink_rules.what_was_handed_over_is_seen),
    (Role.WAREHOUSE, Part.SHIPMENTS): SOURCE,
    (Role.WAREHOUSE, Part.INVENTORY): STOCK,
    (Role.STORE, Part.PRODUCTS): (*SOURCE, fitness_rules.products_are_fit_to_keep),
    (Role.WAREHOUSE, Part.PRODUCTS): SINK,
    (Role.STORE, Part.CATALOGUE): SINK,
    (Role.WAREHOUSE, Part.CATALOGUE): (*SOURCE, fitness_rules.products_are_fit_to_keep),
    (Role.STORE, Part.RETURNS): RETURNS,
    (Role.WAREHOUSE, Part.RETURNS): SINK,
    (Role.STORE, Part.RECEIPTS): SINK,
    (Role.WAREHOUSE, Part.RECEIPTS): (*SOURCE, fitness_rules.receipts_are_fit_to_tell),
    (Role.STORE, Part.PURCHASE_ORDERS): SINK,
    (Role.WAREHOUSE, Part.PURCHASE_ORDERS): (*SOURCE, fitness_rules.purchase_orders_are_fit_to_tell),
    (Role.WAREHOUSE, Part.STOCK_NOTICES): SINK,
    (Role.WAREHOUSE, Part.ACKNOWLEDGEMENTS): (*SOURCE, fitness_rules.acknowledgements_are_fit_to_use),
}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `name` is how a waiver and a test's id spell it; `about` is its contract."""

    name: str
    about: str
    check: OfPlugin


def rules_for(plugin: Plugin[Any]) -> list[Rule]:
    """The rules for this plugin: those of all, those of its side, those of its parts."""
    rules = [_rule("plugin", each.__name__, each, each) for each in PLUGIN]
    if plugin.role is Role.WAREHOUSE:
        rules += [_rule("plugin", each.__name__, each, each) for each in WAREHOUSE]
    for part in sorted(plugin.provides):
        for of_part in OF_PARTS[plugin.role, part]:
            check: OfPlugin = partial(_of_part, of_part, part)
            rules.append(_rule(part.attribute, of_part.__name__, of_part, check))
    return rules


def _rule(prefix: str, name: str, documented: object, check: OfPlugin) -> Rule:
    about = " ".join((documented.__doc__ or "").split())
    return Rule(name=f"{prefix}-{name.replace('_', '-')}", about=about, check=check)


async def _of_part(check: OfPart, part: Part, stand: Stand) -> None:
    if part not in stand.plugin.parts(stand.settings()):
        raise NotApplicable(f"the plugin, set as the rig says, does not offer {part.value}")
    await check(stand, part)
