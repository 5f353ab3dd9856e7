# ruff: noqa: E501 - tables of cases, a case a line
"""`[bundles]` and `[allocation]`: what they come to, and every problem of them at once."""

import pytest

from dropstreamd.config.schema import Connection, StockRule
from tests.config.fakes import MERCHANT, Folder, connection, loaded, problems

SELLING = """\
[bundles]
"TEE-3PACK" = { "100234" = 3 }
"GIFT" = { "100234" = 1, "MUG" = 1 }
[allocation]
safety_stock = 2
maximum = 50
minimum = 3
[allocation.overrides]
"MUG" = { safety_stock = "2.5%", fixed = 20 }
"GIFT" = { safety_stock = 1 }
"TEE-3PACK" = { maximum = 5 }
[allocation.share]
a = "33.3333%"
b = 0.5
"""


def put(folder: Folder, rest: str, *, top: str = "") -> None:
    folder.write("merchants.d/acme.toml", f"{top}\n{MERCHANT}\n{rest}")


def only(folder: Folder) -> str:
    """The one problem besides that connections cannot use their merchant."""
    (problem,) = (each for each in problems(folder) if "which has problems of its own" not in each)
    return problem


def made(folder: Folder, *names: str) -> list[Connection]:
    for number, name in enumerate(names, start=1):
        folder.write(f"connections.d/{name}.toml", connection(number))
    config = loaded(folder).config
    found = [config.named(name) for name in names]
    assert None not in found
    return [each for each in found if each is not None]


def test_what_is_written_is_what_a_connection_has(folder: Folder) -> None:
    put(folder, SELLING)
    first, second = made(folder, "a", "b")
    assert first.bundles == {"TEE-3PACK": {"100234": 3}, "GIFT": {"100234": 1, "MUG": 1}}
    assert (first.allocation.share_ppm, second.allocation.share_ppm) == (333_333, 500_000)
    rule = first.allocation.rule
    assert rule("100234") == StockRule(safety_units=2, maximum=50, minimum=3)
    assert rule("MUG") == StockRule(safety_ppm=25_000, fixed=20, maximum=50, minimum=3)
    assert rule("GIFT") == StockRule(safety_units=1, maximum=50, minimum=3)
    assert rule("TEE-3PACK") == StockRule(maximum=5, minimum=3)


def test_long_tables_are_files(folder: Folder) -> None:
    put(
        folder,
        '[allocation]\nsafety_stock = 1\noverrides_file = "rules.csv"',
        top='bundles_file = "bundles.csv"',
    )
    folder.write("bundles.csv", "bundle,component,units,note\nGIFT,TEE,1,x\nGIFT,MUG,2,\nPAIR,TEE,2,\n")
    folder.write("rules.csv", "sku,maximum,safety_stock\nTEE,,5%\nMUG,7,\nGIFT,0,3\n")
    [alone] = made(folder, "a")
    assert alone.bundles == {"GIFT": {"TEE": 1, "MUG": 2}, "PAIR": {"TEE": 2}}
    assert alone.allocation.overrides == {
        "TEE": StockRule(safety_ppm=50_000),
        "MUG": StockRule(safety_units=1, maximum=7),
        "GIFT": StockRule(safety_units=3, maximum=0),
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("bundles = 3", "bundles: found 3, expected a table"),
        ('[bundles]\nA = { B = 1 }', "bundles.A: found one unit, expected at least one component and two units; one unit under another SKU is a listing"),
        ('[bundles]\nA = {}', "bundles.A: found no component, expected at least one component and two units"),
        ('[bundles]\nA = { B = 0, C = 2 }', "bundles.A.B: found 0, expected a whole number from 1"),
        ('[bundles]\nA = { B = 1.5 }', "bundles.A.B: found 1.5, expected a whole number"),
        ('[bundles]\nA = { B = 2 }\nC = { A = 2 }', "bundles.C.A: found a bundle in a bundle, expected a SKU that the warehouse stocks; name what that one is made of"),
        ('[bundles]\nA = { A = 2 }', "bundles.A.A: found itself"),
        ('[bundles]\nA = 3', "bundles.A: found 3, expected a table"),
        (f'[bundles]\nA = {{ "{"S" * 101}" = 2 }}', "bundles.A: found a SKU of 101 bytes"),
        ("[bundles]\n" + "".join(f"A{n} = {{ B = 2 }}\n" for n in range(1001)), "bundles: found 1001 entries, expected at most 1000; put them in a CSV file"),
        ("[bundles]\nA = {" + ",".join(f"B{n} = 1" for n in range(101)) + "}", "bundles.A: found 101 entries, expected at most 100"),
        ("[allocation]\nsafety = 3", 'allocation.safety: found an unknown key, expected one of fixed, maximum, minimum, overrides, overrides_file, safety_stock, share; did you mean "safety_stock"?'),
        ("[allocation]\nsafety_stock = -1", "allocation.safety_stock: found -1, expected units from 0"),
        ('[allocation]\nsafety_stock = "5"', 'allocation.safety_stock: found "5", expected units from 0'),
        ('[allocation]\nsafety_stock = "101%"', 'allocation.safety_stock: found "101%"'),
        ("[allocation]\nsafety_stock = true", "allocation.safety_stock: found true"),
        ("[allocation]\nfixed = 1.5", "allocation.fixed: found 1.5, expected a whole number from 0"),
        ("[allocation]\nmaximum = 2\nminimum = 3", "allocation.minimum: found 3, more than the maximum of 2, expected at most the maximum"),
        ("[allocation]\nfixed = 2\nminimum = 3", "allocation.minimum: found 3, more than the fixed of 2"),
        ('[allocation.overrides]\nA = { maxium = 2 }', 'allocation.overrides.A.maxium: found an unknown key, expected one of fixed, maximum, minimum, safety_stock; did you mean "maximum"?'),
        ('[allocation.overrides]\nA = 2', "allocation.overrides.A: found 2, expected a table"),
        ('[allocation.share]\na = "110%"', 'allocation.share.a: found "110%", expected a share from 0 to 1'),
        ("[allocation.share]\na = true", "allocation.share.a: found true"),
        ('[allocation]\noverrides_file = "x.csv"\n[allocation.overrides]\nA = { maximum = 1 }', "allocation.overrides_file: found overrides and overrides_file, expected one of the two"),
        ('[allocation]\noverrides_file = "x.csv"', "x.csv: found no such file or folder"),
    ],
)  # fmt: skip
def test_wrong_selling(folder: Folder, written: str, expected: str) -> None:
    put(
        folder,
        *([written] if written.startswith("[") else [""]),
        top="" if written.startswith("[") else written,
    )
    assert expected in only(folder)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("A,B,0", 'line 2: found units "0", expected a whole number from 1'),
        ("A,B,x", 'line 2: found units "x"'),
        ("A,,2", 'line 2: found component "", expected 1 to 200 characters'),
        ("A,B,2\nA,B,3", 'line 3: found bundle "A", component "B" again, expected once, and line 2 has it'),
        ("A,B,1", "A: found one unit"),
    ],
)
def test_wrong_bundles_in_a_file(folder: Folder, row: str, expected: str) -> None:
    put(folder, "", top='bundles_file = "bundles.csv"')
    folder.write("bundles.csv", f"bundle,component,units\n{row}\n")
    assert expected in only(folder)


def test_a_bundle_in_a_file_has_a_limit_too(folder: Folder) -> None:
    put(folder, "", top='bundles_file = "bundles.csv"')
    folder.write("bundles.csv", "bundle,component,units\n" + "".join(f"A,B{n},1\n" for n in range(101)))
    assert "A: found 101 components, expected at most 100" in only(folder)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("A,x,", 'line 2: found safety_stock "x", expected units from 0'),
        ("A,,-1", 'line 2: found maximum "-1", expected units from 0'),
        ("A,,5%", 'line 2: found maximum "5%"'),
        ("A,,99999999999", "line 2: found maximum"),
    ],
)
def test_wrong_overrides_in_a_file(folder: Folder, row: str, expected: str) -> None:
    put(folder, '[allocation]\noverrides_file = "rules.csv"')
    folder.write("rules.csv", f"sku,safety_stock,maximum\n{row}\n")
    assert expected in only(folder)


def test_a_column_twice(folder: Folder) -> None:
    put(folder, '[allocation]\noverrides_file = "rules.csv"')
    folder.write("rules.csv", "sku,maximum,Maximum\nA,1,2\n")
    assert "line 1: found several columns maximum, expected one at most" in only(folder)


def test_bundles_are_in_one_place(folder: Folder) -> None:
    put(folder, "[bundles]\nA = { B = 2 }", top='bundles_file = "bundles.csv"')
    assert "bundles_file: found bundles and bundles_file" in only(folder)


def test_every_problem_is_told_at_once(folder: Folder) -> None:
    put(folder, "[bundles]\nA = { B = 1 }\nC = { A = 2 }\n[allocation]\nfixed = -1\nfoo = 1")
    told = "\n".join(problems(folder))
    for key in ("bundles.A:", "bundles.C.A:", "allocation.fixed:", "allocation.foo:"):
        assert key in told


def test_once_one_has_a_share_each_needs_one(folder: Folder) -> None:
    """It would show all there is, beside the shares of the others."""
    put(folder, '[allocation.share]\na = "60%"')
    folder.write("connections.d/a.toml", connection(1))
    folder.write("connections.d/b.toml", connection(2))
    assert "no share for b in [allocation.share] of merchants.d/acme.toml" in only(folder)
    assert "b.toml" in only(folder)


def test_shares_of_one_warehouse_come_to_no_more_than_all(folder: Folder) -> None:
    put(folder, '[allocation.share]\na = "60%"\nb = "40.0001%"')
    folder.write("connections.d/a.toml", connection(1))
    folder.write("connections.d/b.toml", connection(2))
    told = problems(folder)
    assert len(told) == 2
    assert "merchants.d/acme.toml: allocation.share: found 100.0001% in all for a, b" in told[0]
    put(folder, '[allocation.share]\na = "60%"\nb = "40%"\nelsewhere = "100%"')
    assert not problems(folder)


def test_an_unknown_sku_holds_or_passes(folder: Folder) -> None:
    put(folder, "")
    folder.write("connections.d/a.toml", connection(1, top='unknown_sku = "pass"'))
    folder.write("connections.d/b.toml", connection(2))
    config = loaded(folder).config
    found = {each.name: each.unknown_sku for each in config.connections.values()}
    assert found == {"a": "pass", "b": "hold"}
    folder.write("connections.d/a.toml", connection(1, top='unknown_sku = "ignore"'))
    assert 'unknown_sku: found "ignore", expected one of hold, pass' in only(folder)
