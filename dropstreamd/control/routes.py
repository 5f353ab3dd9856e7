"""The table of all routes: what is served is what is described."""

from typing import Any

from dropstreamd.control import (
    admin,
    auditing,
    authorizing,
    cards,
    deciding,
    explaining,
    goods,
    looking,
    order_edits,
    order_shown,
    order_verbs,
    parked,
    planning,
    preflight,
    return_shown,
    rules_tried,
    running,
    scheduling,
    side_tests,
    store_account,
    switching,
    watching,
)
from dropstreamd.control.route import Route

ROUTES: tuple[Route[Any, Any], ...] = (
    *cards.ROUTES,
    *switching.ROUTES,
    *running.ROUTES,
    *watching.ROUTES,
    *scheduling.ROUTES,
    *side_tests.ROUTES,
    *preflight.ROUTES,
    *looking.ROUTES,
    *order_shown.ROUTES,
    *order_verbs.ROUTES,
    *order_edits.ROUTES,
    *rules_tried.ROUTES,
    *return_shown.ROUTES,
    *explaining.ROUTES,
    *goods.ROUTES,
    *parked.ROUTES,
    *deciding.ROUTES,
    *auditing.ROUTES,
    *planning.ROUTES,
    *store_account.ROUTES,
    *authorizing.ROUTES,
    *admin.ROUTES,
)
