"""Which SKUs ShipHero has products of, asked before an order names them: whether it would refuse one that it
does not know, or make a line of it that nobody can pick, is written nowhere.
"""

from collections.abc import Iterable, Sequence

import msgspec

from dropstream_shiphero import answers
from dropstream_shiphero.client import Api, Refusal
from dropstream_shiphero.documents import Document
from dropstream_shiphero.settings import Settings

AT_ONCE = 20


class _Sku(msgspec.Struct, frozen=True):
    sku: str | None


class KnownSkus:
    """Looks them up; what was found is not asked for again in this session."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._known: set[str] = set()

    async def first_missing(self, skus: Iterable[str]) -> str | None:
        """A SKU that no product has, exactly so written; None where each has one, or ShipHero does not
        tell."""
        wanted = sorted(set(skus) - self._known)
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            found = await self._found(some)
            if found is None:
                return None
            self._known |= found
            missing = [sku for sku in some if sku not in found]
            if missing:
                return missing[0]
        return None

    async def _found(self, skus: Sequence[str]) -> set[str] | None:
        variables = {f"s{number}": sku for number, sku in enumerate(skus)}
        told = await self._api.ask(
            document(len(skus)),
            {**variables, **self._settings.of_customer},
            dict[str, answers.Listed[_Sku] | None],
            write=False,
        )
        if isinstance(told, Refusal):
            return None
        rows = (
            row for each in told.values() if each is not None and each.data is not None for row in each.data
        )
        return {row.sku for row in rows if row.sku is not None}


def document(count: int) -> Document:
    """The one that asks for so many SKUs."""
    takes = ", ".join(f"$s{number}: String" for number in range(count))
    asks = "\n".join(
        f"  s{number}: products(sku: $s{number}, customer_account_id: $customer_account_id) {{ "
        "complexity data(first: 2) { edges { cursor node { sku } } } }"
        for number in range(count)
    )
    return Document(
        name="Skus",
        cost=1.0 + 2.0 * count,
        text=f"query Skus({takes}, $customer_account_id: String) {{\n{asks}\n}}",
    )
