"""Looking things up: the log, an order, a SKU, parked and doubted work, tasks."""

import msgspec

from dropstreamd.control.messages.goods import ProductShown
from dropstreamd.control.messages.returned import ReceiptShown, ReturnShown
from dropstreamd.control.messages.runs import Backlog
from dropstreamd.model.orders import Address, Order, OutboundOrder
from dropstreamd.model.shipments import Package


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a connection's log; `who` is empty for what the daemon did by itself."""

    at_s: float
    event: str
    text: str
    channel: str
    run: str
    who: str


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The newest lines, oldest of them first."""

    lines: tuple[LogLine, ...]


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: int = 50


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step in a document's life."""

    at_s: float
    run: str
    text: str


class AttemptShown(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-over that is not settled: `name` is its file or idempotency key."""

    id: str
    name: str
    run: str
    opened_s: float
    step: str
    unsure_s: float


class PackageShown(msgspec.Struct, frozen=True, kw_only=True):
    """A package of an order and how far its store knows of it."""

    key: str
    state: str
    cause: str
    reason: str
    remote: str
    package: Package


class TaskShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that only a person can do; resolved by naming the `revision` that was read."""

    channel: str
    key: str
    kind: str
    number: str
    title: str
    detail: str
    since_s: float
    revision: int


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """The first 500 tasks."""

    tasks: tuple[TaskShown, ...]
    more: bool = False


class OrderShown(msgspec.Struct, frozen=True, kw_only=True):
    """One order: as the store tells it, as the warehouse was told, and every step in between.

    `life` is where it stands in words of the trade, and `explained` why, and what comes next. `state` is
    pending, open, accepted, parked, held, doubt or void; `standing` what the store says: ready, held or
    over. `accepted` is the revision that the warehouse has, 0 for none. `address` is what a person put in
    the place of the store's. `returns` are those of the order (20 at most), `receipts` what came back of it
    without one.
    """

    connection: str
    key: str
    number: str
    reference: str
    state: str
    standing: str
    cause: str
    reason: str
    revision: int
    accepted: int
    remote: str
    first_s: float
    changed_s: float
    handed_s: float
    order: Order
    sent: OutboundOrder | None
    attempt: AttemptShown | None
    packages: tuple[PackageShown, ...]
    tasks: tuple[TaskShown, ...]
    history: tuple[Step, ...]
    life: str = ""
    explained: tuple[str, ...] = ()
    address: Address | None = None
    returns: tuple[ReturnShown, ...] = ()
    receipts: tuple[ReceiptShown, ...] = ()


class PromiseShown(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a SKU that an order is about to take; `handed_s` is 0 before its hand-over. `deducted`:
    they are taken off the level."""

    connection: str
    order: str
    number: str
    units: int
    handed_s: float
    deducted: bool


class RefusalShown(msgspec.Struct, frozen=True, kw_only=True):
    """Why the store would not take a level."""

    cause: str
    reason: str
    level: int | None


class ComponentShown(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse SKU of which one unit sold takes `units`. Of what is `reported`, orders take `unsent` and
    `safety` units are held back; what is `left` is enough to build `builds`."""

    sku: str
    units: int
    reported: int | None
    unsent: int
    safety: int
    left: int
    builds: int


class AllocationStep(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was applied after what can be built was known, and the `units` it left: `rule` is
    safety stock, fixed, share, maximum or minimum, `setting` what it says."""

    rule: str
    setting: str
    units: int


class SkuShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a SKU's level comes about: `reported` units (by which snapshot, of when; `reported_at_s` is when
    that was believed), less `unsent` units of orders (the first 100), is `derived`; `accepted` is what the
    store took last.

    `reported` None: the warehouse never had it. `accepted` None: what the store shows is unknown.
    `steps` says all of it in sentences. `products` are those of that SKU in our catalogue of the store.

    What is no bundle is its own one component. Of a `bundle`, `reported` and `unsent` stand with its
    components; `built` can be built of them, and `allocation` is what was made of that. `waits_since_s` is
    set while its level rises and another store still shows too much of the same stock.

    Of a connection with locations, `places` has the same for each `location` and its `facility`; what stands
    beside them is of all together.

    `former` is the name of the warehouse that figures stand under, as MERCHANT.WAREHOUSE, where it has
    another by now and nobody has said that it is the same one; else empty.
    """

    connection: str
    sku: str
    warehouse_sku: str
    listed: bool
    reported: int | None
    quantity: str
    generation: str
    snapshot: str
    reported_at_s: float
    as_of_s: float
    unsent: int
    promises: tuple[PromiseShown, ...]
    derived: int | None
    accepted: int | None
    accepted_at_s: float
    accepted_run: str
    pending: bool
    unsure_until_s: float
    refusal: RefusalShown | None
    steps: tuple[str, ...]
    bundle: bool = False
    components: tuple[ComponentShown, ...] = ()
    built: int = 0
    allocation: tuple[AllocationStep, ...] = ()
    waits_since_s: float = 0.0
    products: tuple[ProductShown, ...] = ()
    location: str = ""
    facility: str = ""
    places: tuple["SkuShown", ...] = ()
    former: str = ""


class ParkedExample(msgspec.Struct, frozen=True, kw_only=True):
    """One document of a group; `number` is what people see of it."""

    key: str
    number: str
    reason: str
    since_s: float = 0.0


class ParkedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for the same thing. `kind`: parked (its cause), held (the store, or `--since`),
    undecodable (another form), unmatched (the order of a package, the connection of a warehouse's
    word). `more`: counting stopped.

    `account` is `merchant/warehouse` where it belongs to no connection.
    """

    channel: str
    kind: str
    cause: str
    count: int
    more: bool
    examples: tuple[ParkedExample, ...]
    account: str = ""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """By cause, the largest group first. `backlog` are held older orders, which are in no group."""

    groups: tuple[ParkedGroup, ...]
    backlog: Backlog


class DoubtShown(msgspec.Struct, frozen=True, kw_only=True):
    """A document of which nobody can tell whether it was handed over, and the attempt that left it so.
    `name` is the file to look for, or the idempotency key."""

    channel: str
    key: str
    number: str
    reference: str
    revision: int
    why: str
    name: str
    run: str
    opened_s: float
    step: str


class InDoubtShown(msgspec.Struct, frozen=True, kw_only=True):
    """The first 500 documents in doubt."""

    documents: tuple[DoubtShown, ...]
    more: bool = False


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try again with the next run: all of one cause, or one document (or SKU, in inventory).
    The cause `undecodable` forgets what the warehouse sent and nobody could read."""

    channel: str
    cause: str = ""
    key: str = ""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """How many; `more` of the same cause are left: ask again."""

    released: int
    more: bool = False


class Resolve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a document in doubt: it was `applied`, or certainly was not and goes again.
    `revision` as it was read: refused (409) if there is another by now."""

    applied: bool
    revision: int | None = None


class ResolveTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The task is done. `revision` is the one that was read."""

    revision: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It was done; `text` says what."""

    text: str
