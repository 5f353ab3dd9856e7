"""Audits that a person asks for."""

from functools import partial

from dropstreamd.channels import drift, order_audit
from dropstreamd.channels.order_audit import Audited, Finds
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.audits import InventoryAudited, LevelFound, OrderFound, OrdersAudited
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.platform.contract import Part


async def orders(desk: Desk, call: Call[Empty, Empty]) -> OrdersAudited:
    """Compare the store's open orders with ours, and list what was sent and does not ship."""
    connection = desk.connection(call.path["c"])
    scope = desk.scope(connection)
    if Part.ORDERS not in scope.store_offers:
        refuse("not supported", f"the store of {connection.name} tells no orders")
    found = await order_audit.audit(scope)
    await desk.daemon.state.write(partial(order_audit.keep, connection=connection.id, found=found))
    text = f"{found.unaccounted.count} orders unaccounted for, {found.overdue.count} overdue"
    await desk.note(connection, "order audit", text, who=call.who, channel="sales_orders")
    return _audited(connection, found)


async def last_orders(desk: Desk, call: Call[Empty, Empty]) -> OrdersAudited:
    """What the newest order audit found, by whoever it was made; nothing is looked at."""
    connection = desk.connection(call.path["c"])
    found = desk.daemon.state.read(partial(order_audit.last, connection=connection.id))
    if found is None:
        refuse(
            "not found",
            f"the orders of {connection.name} were not audited yet",
            remedy=f"dropstreamctl audit {connection.name} orders",
        )
    return _audited(connection, found)


def _audited(connection: Connection, found: Audited) -> OrdersAudited:
    return OrdersAudited(
        connection=connection.name,
        at_s=found.at_s,
        looked_at=found.looked_at,
        unaccounted=found.unaccounted.count,
        overdue=found.overdue.count,
        unaccounted_orders=_shown(found.unaccounted),
        overdue_orders=_shown(found.overdue),
        trouble=found.trouble,
    )


def _shown(finds: Finds) -> tuple[OrderFound, ...]:
    return tuple(
        OrderFound(key=each.key, number=each.number, what=each.what, since_s=each.since_s)
        for each in finds.some
    )


async def inventory(desk: Desk, call: Call[Empty, Empty]) -> InventoryAudited:
    """Read the store's levels back, and compare them with what it was told."""
    connection = desk.connection(call.path["c"])
    scope = desk.scope(connection)
    found = await drift.audit(scope)
    if not found.can:
        refuse("not supported", f"the plugin {connection.store.platform} cannot read levels back")
    text = (
        f"{found.looked_at} levels read back: {found.more} more, {found.fewer} fewer, {found.missing} missing"
    )
    await desk.note(connection, "inventory audit", text, who=call.who, channel="inventory")
    return InventoryAudited(
        connection=connection.name,
        looked_at=found.looked_at,
        more=found.more,
        fewer=found.fewer,
        missing=found.missing,
        levels=tuple(
            LevelFound(sku=each.sku, told=each.told, shows=each.shows, location=each.location)
            for each in found.some
        ),
        trouble=found.trouble,
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/audit/orders",
        name="audit_orders",
        summary="Compare the store's open orders with ours; list what was sent and does not ship",
        handle=orders,
        query=Empty,
        body=Empty,
        answer=OrdersAudited,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/audit/orders",
        name="last_order_audit",
        summary="What the newest order audit found",
        handle=last_orders,
        query=Empty,
        body=Empty,
        answer=OrdersAudited,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/audit/inventory",
        name="audit_inventory",
        summary="Read the store's levels back, and compare them with what it was told",
        handle=inventory,
        query=Empty,
        body=Empty,
        answer=InventoryAudited,
    ),
)
