"""What a run of a source tells, as the daemon reads it: page by page, to the last one."""

from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

import msgspec

from dropstreamd.errors import Unfinished
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Source

MOST_PAGES = 1_000


class Keyed(Protocol):
    """A document of a source."""

    @property
    def key(self) -> str: ...


D = TypeVar("D", bound=Keyed)


class Run(msgspec.Struct, Generic[D], kw_only=True):
    """What came: all that was `told`, in its order, and of each document what came last; and why that was not
    all."""

    documents: dict[str, D] = {}
    told: list[D] = []
    aside: dict[str, Bad] = {}
    cursor: str | None = None
    pages: int = 0
    unfinished: Unfinished | None = None

    @property
    def bad(self) -> dict[str, str]:
        """Why documents were set aside."""
        return {key: each.reason for key, each in self.aside.items()}

    async def read(
        self,
        source: Source[D],
        *,
        most_pages: int = MOST_PAGES,
        after: Callable[[int], object] = lambda _pages: None,
        once: bool = False,
    ) -> Self:
        """One run from the cursor, or `most_pages` of it. What happens `after` each page is told how many
        there were; with `once` no document may come twice."""
        more, self.unfinished = True, None
        while more and self.pages < most_pages:
            try:
                page = await source.page(self.cursor, lambda _mark: False)
            except Unfinished as error:
                self.unfinished = error
                break
            self.pages += 1
            self.told += page.documents
            self.documents |= {each.key: each for each in page.documents}
            self.aside |= {each.key: each for each in page.bad}
            self.cursor = page.cursor or self.cursor
            assert not once or len(self.documents) == len(self.told), "a document comes twice"
            assert self.pages < MOST_PAGES, "`more` does not end"
            after(self.pages)
            more = page.more
        return self


class Listing(Run[Order], kw_only=True):
    """A run of a store's orders."""

    @property
    def orders(self) -> dict[str, Order]:
        return self.documents

    @property
    def statuses(self) -> dict[str, str]:
        return {key: order.status for key, order in self.documents.items()}


async def read(source: Source[D], cursor: str | None = None, *, once: bool = False) -> Run[D]:
    """One run of any source."""
    return await Run[D](cursor=cursor).read(source, once=once)
