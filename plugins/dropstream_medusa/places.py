"""The sales channel and the stock location that the settings name, found once in a session."""

from collections.abc import Sequence

from dropstream_medusa import wire
from dropstream_medusa.client import Api, Params
from dropstream_medusa.settings import Settings
from dropstreamd.errors import Misconfigured
from dropstreamd.platform.locations import find_location

MOST = 1_000


class Places:
    """Finds them when they are first needed."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._channel: wire.Named | None = None
        self._location: wire.Named | None = None
        self._locations: tuple[wire.Named, ...] | None = None

    async def channel(self) -> wire.Named | None:
        """The sales channel; None where all are meant."""
        if self._channel is None and self._settings.sales_channel:
            params: Params = {"limit": MOST, "fields": "id,name"}
            answer = await self._api.read("sales-channels", params, wire.SalesChannels)
            self._channel = choose(answer.sales_channels, self._settings.sales_channel, "sales_channel")
        return self._channel

    async def location(self, wanted: str | None = None) -> wire.Named:
        """The stock location of that id or name; None: the one that the settings name. Raises NoLocation
        where the sales channel has none of that name."""
        if wanted is not None:
            there = {each.id: each for each in await self.locations()}
            names = {key: each.name for key, each in there.items()}
            return there[find_location(names, wanted, self._settings.mapped, store="Medusa")]
        if self._location is None:
            only = next(iter(self._settings.mapped)) if len(self._settings.mapped) == 1 else ""
            named = self._settings.stock_location or only
            self._location = choose(await self.locations(), named, "stock_location")
        return self._location

    async def locations(self) -> tuple[wire.Named, ...]:
        """Those of the sales channel, or all."""
        if self._locations is None:
            channel = await self.channel()
            params: dict[str, str | int] = {"limit": MOST, "fields": "id,name"}
            if channel is not None:
                params["sales_channel_id"] = channel.id
            answer = await self._api.read("stock-locations", params, wire.StockLocations)
            self._locations = answer.stock_locations
        return self._locations


def choose(choices: Sequence[wire.Named], wanted: str, setting: str) -> wire.Named:
    """The one that is meant, by id or name, or the only one. Raises Misconfigured, naming the choices:
    Medusa would take any text for a location's id without a word."""
    what = setting.replace("_", " ")
    listed = ", ".join(f"{each.name} (id {each.id})" for each in choices[:20]) or "none"
    if wanted:
        found = [each for each in choices if each.id == wanted] or [
            each for each in choices if each.name == wanted
        ]
        if len(found) == 1:
            return found[0]
        how = f"several {what}s are" if found else f"no {what} is"
        raise Misconfigured(
            f"Medusa: {how} {wanted!r}", remedy=f"set {setting} to the id of one of: {listed}"
        )
    if len(choices) == 1:
        return choices[0]
    how = f"has several {what}s" if choices else f"has no {what}"
    raise Misconfigured(f"Medusa {how}", remedy=f"set {setting} to one of: {listed}")
