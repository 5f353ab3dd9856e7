"""Setting up: tests of both sides, preflight, sample files, secrets."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from dropstreamd.control.messages import setup
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import (
    BadRow,
    Failure,
    FileTried,
    FindingShown,
    LevelChange,
    Names,
    NearSku,
    Preflight,
    PutSecret,
    SampleOrder,
    SecretNames,
    SideTested,
    TryFile,
)
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.model.stock import StockRow
from tests.control.fake_api import FakeApi, ctl, golden, refusal
from tests.control.shown import NO_BACKLOG, OLDER

AT = "/v1/connections/acme-vendure"
SECRET = "hunter2-\u00fc"


# ---- test and preflight

STORE = SideTested(
    side="store",
    platform="vendure",
    ok=True,
    findings=(FindingShown(name="sign in", ok=True, detail="as api@acme"),),
)
WAREHOUSE = SideTested(
    side="warehouse",
    platform="file-exchange",
    ok=False,
    findings=(
        FindingShown(name="out/", ok=False, detail="cannot be written", remedy="let acme write there"),
    ),
    failure=Failure(kind="host key", message="it is another one", remedy="compare it by telephone"),
)


@pytest.mark.parametrize(("sides", "code"), [((STORE,), 0), ((STORE, WAREHOUSE), 1)])
def test_test(api: FakeApi, sides: tuple[SideTested, ...], code: int) -> None:
    api.answer(f"POST {AT}/test", setup.Tested(ok=code == 0, sides=sides))
    told = ctl(api, "test", "acme-vendure")
    assert told.code == code
    golden(f"test_{code}", told.out)
    assert ctl(api, "test", "acme-vendure", "--json").code == code
    assert api.asked[0].read(setup.TestSides) == setup.TestSides()


def test_one_side_with_writing(api: FakeApi) -> None:
    api.answer(f"POST {AT}/test", setup.Tested(ok=True, sides=()))
    ctl(api, "test", "acme-vendure", "warehouse", "--write")
    assert api.asked[0].read(setup.TestSides) == setup.TestSides(side="warehouse", write=True)
    assert ctl(api, "test", "acme-vendure", "shop").code == 2


NONE = Names(count=0)
READY = Preflight(
    sides=(STORE,),
    store_skus_unmatched=Names(count=120, names=("A", "B")),
    warehouse_skus_unmatched=NONE,
    store_skus_twice=NONE,
    warehouse_skus_twice=NONE,
    methods_unmapped=NONE,
    carriers_unmapped=Names(count=0, known=False),
    overlaps=("acme-b sells from the same stock",),
    sample_order=SampleOrder(number="1001", name="ord_1.csv", text="H,SH1001\nD,100234,2\x1b[2J\n"),
    levels_changed=Names(count=1, names=("A",)),
    level_examples=(LevelChange(sku="A", before=None, after=7),),
    backlog=OLDER,
)


def test_preflight(api: FakeApi) -> None:
    api.answer(f"POST {AT}/preflight", READY)
    told = ctl(api, "preflight", "acme-vendure")
    assert told.code == 0
    golden("preflight", told.out)


def test_preflight_of_skus_that_seem_to_fit(api: FakeApi) -> None:
    found = msgspec.structs.replace(
        READY,
        skus_hidden=Names(count=2, names=("100", "200")),
        skus_near=Names(count=21, names=("0 42", "tee-1")),
        near_examples=(NearSku(sku="0 42", meant=("42",)), NearSku(sku="tee-1", meant=("TEE-1", "Tee-1"))),
    )
    api.answer(f"POST {AT}/preflight", found)
    told = ctl(api, "preflight", "acme-vendure")
    assert told.code == 0
    assert (
        "SKUs of both sides that are listed under another name: 2: 100, 200\n"
        '    → they get no level: sell them no more, or add "100" = "100" to [listings]\n'
        "    → to look at one: dropstreamctl sku acme-vendure 100\n"
        "SKUs of the store that the warehouse may have in another spelling (they want listings): 21: "
        "'0 42' ('42'?), 'tee-1' ('TEE-1' or 'Tee-1'?) and 19 more\n"
        "    → to look at one: dropstreamctl sku acme-vendure '0 42'\n"
    ) in told.out


@pytest.mark.parametrize(
    "wrong",
    [
        {"sides": (WAREHOUSE,)},
        {"methods_unmapped": Names(count=1, names=("Express",))},
        {"sample_order": SampleOrder(number="1001", name="", text="", problem="no ship method")},
        {"shipments_refused": ("Amazon takes no shipment without its carrier",)},
    ],
)
def test_preflight_that_is_not_ready(api: FakeApi, wrong: dict[str, object]) -> None:
    changed = msgspec.structs.replace(READY, backlog=NO_BACKLOG, level_examples=(), **wrong)
    api.answer(f"POST {AT}/preflight", changed)
    told = ctl(api, "preflight", "acme-vendure")
    assert told.code == 1
    assert "Not ready:" in told.out
    assert ctl(api, "preflight", "acme-vendure", "--json").code == 1


def test_a_carrier_without_a_mapping_is_told_by_its_own_name(api: FakeApi) -> None:
    unmapped = msgspec.structs.replace(READY, carriers_unmapped=Names(count=1, names=("UPS",)))
    api.answer(f"POST {AT}/preflight", unmapped)
    told = ctl(api, "preflight", "acme-vendure")
    assert (told.code, "carriers without a mapping: 1: UPS" in told.out) == (0, True)


def test_preflight_without_an_order(api: FakeApi) -> None:
    api.answer(f"POST {AT}/preflight", msgspec.structs.replace(READY, sample_order=None))
    told = ctl(api, "preflight", "acme-vendure")
    assert (told.code, "sample order: no order waits here to make one of" in told.out) == (0, True)


def test_preflight_with_an_order_that_is_not_imported(api: FakeApi) -> None:
    sample = SampleOrder(number="7", name="ord_7.csv", text="H\n", imported=False)
    api.answer(f"POST {AT}/preflight", msgspec.structs.replace(READY, sample_order=sample))
    shown = ctl(api, "preflight", "acme-vendure").out
    assert "order 7, which is not imported yet, would be sent as ord_7.csv:\n  | H\n" in shown


def test_preflight_says_once_why_a_side_failed(api: FakeApi) -> None:
    assert WAREHOUSE.failure is not None
    why = f"the warehouse: {WAREHOUSE.failure.message}"
    blind = Names(count=0, known=False, why=why)
    found = msgspec.structs.replace(
        READY, sides=(STORE, WAREHOUSE), warehouse_skus_twice=blind, carriers_unmapped=blind
    )
    api.answer(f"POST {AT}/preflight", msgspec.structs.replace(found, sample_order=None, sample_unseen=why))
    shown = ctl(api, "preflight", "acme-vendure").out
    assert shown.count(WAREHOUSE.failure.message) == 1
    assert shown.count(": could not look: the warehouse failed, as is said above\n") == 3


def test_preflight_says_what_it_could_not_look_at(api: FakeApi) -> None:
    blind = Names(count=0, known=False, why="the store: no connection")
    found = msgspec.structs.replace(
        READY,
        sides=(WAREHOUSE,),
        store_skus_twice=blind,
        sample_order=None,
        sample_unseen="the warehouse: no answer",
        levels_changed=blind,
        level_examples=(),
    )
    api.answer(f"POST {AT}/preflight", found)
    shown = ctl(api, "preflight", "acme-vendure").out
    assert "SKUs that the store has twice: could not look: the store: no connection\n" in shown
    assert "sample order: could not look: the warehouse: no answer\n" in shown
    assert "levels that a first Full Sync would change: could not look: the store: no connection\n" in shown


def test_a_note_is_no_fault(api: FakeApi) -> None:
    note = FindingShown(name="inventory", ok=True, detail="no file waits", remedy="ask for one")
    side = msgspec.structs.replace(STORE, findings=(note,))
    api.answer(f"POST {AT}/preflight", msgspec.structs.replace(READY, sides=(side,)))
    told = ctl(api, "preflight", "acme-vendure")
    assert (told.code, "  ! inventory: no file waits\n    → ask for one\n" in told.out) == (0, True)


# ---- try-file

TRIED = FileTried(
    kind="shipments",
    package_count=1,
    stock_count=300,
    bad_count=1,
    packages=(
        Package(
            key="S1-1",
            reference="SH1001",
            lines=(PackageLine(sku="100234", quantity=2),),
            carrier="UPS",
            shipped_at=datetime(2026, 3, 5, 18, tzinfo=UTC),
        ),
    ),
    stock=(StockRow(sku="A", quantity=7, status="AVL"),),
    bad=(BadRow(place="line 3", reason="no SKU", text=",,\x1b[2J"),),
    findings=(FindingShown(name="encoding", ok=True, detail="utf-8"),),
)


def test_try_file(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "ship.csv").write_bytes(b"a;b\xff")
    api.answer("POST /v1/try-file", TRIED)
    told = ctl(api, "try-file", "acme.main", str(tmp_path / "ship.csv"))
    assert told.code == 1
    golden("try_file", told.out)
    assert api.asked[0].read(TryFile) == TryFile(
        merchant="acme", warehouse="main", name="ship.csv", content=b"a;b\xff"
    )


def test_a_file_that_is_read_well(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "ship.csv").touch()
    api.answer("POST /v1/try-file", msgspec.structs.replace(TRIED, bad_count=0, bad=()))
    assert ctl(api, "try-file", "acme.main", str(tmp_path / "ship.csv")).code == 0


def test_files_that_cannot_be_tried(api: FakeApi, tmp_path: Path) -> None:
    told = ctl(api, "try-file", "acme.main", str(tmp_path / "none.csv"))
    assert told.code == 2
    assert "none.csv: found No such file or directory, expected a file to read" in told.err
    with (tmp_path / "big.csv").open("wb") as big:
        big.truncate(10 * 1024**2 + 1)
    told = ctl(api, "try-file", "acme.main", str(tmp_path / "big.csv"))
    assert told.code == 2
    assert "found more than 10 MiB" in told.err
    assert ctl(api, "try-file", "acme", str(tmp_path / "big.csv")).code == 2
    assert api.asked == []


# ---- secrets


@pytest.mark.parametrize("piped", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n"])
def test_a_secret_comes_by_a_pipe_and_is_not_shown(api: FakeApi, piped: str) -> None:
    api.answer("PUT /v1/secrets/acme-key", Done(text="acme-key was stored"))
    told = ctl(api, "secret", "set", "acme-key", typed=piped)
    assert (told.code, told.out, told.err) == (0, "acme-key was stored\n", "")
    assert api.asked[0].read(PutSecret) == PutSecret(value=SECRET)


def test_a_secret_may_have_several_lines(api: FakeApi) -> None:
    api.answer("PUT /v1/secrets/acme-key", Done(text="stored"))
    ctl(api, "secret", "set", "acme-key", typed="-----BEGIN\nabc\n-----END\n")
    assert api.asked[0].read(PutSecret) == PutSecret(value="-----BEGIN\nabc\n-----END")


@pytest.mark.parametrize(
    ("piped", "found"),
    [(b"", "''"), (b"\n", "''"), (b"\xffhunter2", "'other bytes'"), (b"x" * 65_537, "'a longer one'")],
)
def test_values_that_cannot_be_secrets(api: FakeApi, piped: bytes, found: str) -> None:
    told = ctl(api, "secret", "set", "acme-key", typed=piped)
    assert (told.code, api.asked) == (2, [])
    assert f"the value: found {found}" in told.err
    assert "hunter2" not in told.err


def test_a_secret_is_never_an_argument(api: FakeApi) -> None:
    told = ctl(api, "secret", "set", "acme-key", SECRET, typed="other")
    assert (told.code, told.out, api.asked) == (2, "", [])
    assert "the value is typed unseen or piped in" in told.err
    assert SECRET not in told.err


def test_secrets_are_listed_and_deleted(api: FakeApi) -> None:
    api.answer("GET /v1/secrets", SecretNames(names=("acme-key", "b")))
    api.answer("GET /v1/secrets", SecretNames(names=()))
    api.answer("DELETE /v1/secrets/b", Done(text="b was deleted"))
    assert ctl(api, "secret", "list").out == "acme-key\nb\n"
    assert ctl(api, "secret", "delete", "b").out == "b was deleted\n"
    told = ctl(api, "secret", "list")
    assert (told.out, told.err) == ("", "There are none. To add one: dropstreamctl secret set NAME\n")


@pytest.mark.parametrize(
    ("argv", "typed", "then"),
    [
        ((), "y\n", "?shown=f00d"),
        (("--yes",), "", "?confirmed=true"),
        ((), "n\n", None),
        ((), "", None),
        (("--json",), "", None),
    ],
)
def test_a_secret_that_is_used_names_who_uses_it(
    api: FakeApi, argv: tuple[str, ...], typed: str, then: str | None
) -> None:
    detail = "secret b is in use: connection acme (store.password)"
    known = ("connection acme (store.password)",)
    api.answer("DELETE /v1/secrets/b", refusal("unconfirmed", 409, detail, known=known, shown="f00d"))
    api.answer(f"DELETE /v1/secrets/b{then}", Done(text="b was deleted"))
    told = ctl(api, "secret", "delete", "b", *argv, typed=typed, is_terminal=bool(typed))
    assert (told.code, told.out == "b was deleted\n") == ((0, True) if then else (4, False))
    assert api.lines == ["DELETE /v1/secrets/b", *([f"DELETE /v1/secrets/b{then}"] if then else [])]
    if "--json" not in argv:
        assert told.err.startswith("secret b is in use\n  - connection acme (store.password)\n")
