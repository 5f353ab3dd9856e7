"""What a reload changes."""

from dropstreamd.config.changes import Changes, diff
from tests.config.fakes import MERCHANT, Folder, connection, loaded


def test_what_a_reload_changes(folder: Folder) -> None:
    for number in (3, 4, 5, 8):
        folder.write(f"connections.d/x{number}.toml", connection(number))
    late = MERCHANT.replace("/acme", "/late")
    folder.write("merchants.d/late.toml", late)
    folder.write("connections.d/late.toml", connection(6).replace('"acme"', '"late"'))
    old = loaded(folder).config
    assert diff(old, old) == Changes(unchanged=tuple(sorted(old.connections)))
    folder.write("connections.d/a.toml", connection(1, rest='[listings]\na = "b"\n'))
    (folder.path / "connections.d/x3.toml").rename(folder.path / "connections.d/renamed.toml")
    folder.write("connections.d/x4.toml", connection(4).replace("admin", "root"))
    (folder.path / "connections.d/x5.toml").unlink()
    folder.write("connections.d/x7.toml", connection(7))
    folder.write("connections.d/x8.toml", connection(8, rest='[catalogs]\nmode = "list"\n'))
    folder.write("merchants.d/late.toml", late + 'missing = "zero"\n')
    folder.write("dropstreamd.toml", "max_runs = 3\n")
    assert diff(old, loaded(folder).config) == Changes(
        unchanged=("c-002",),
        hot=("c-001", "c-003"),
        restarted=("c-004", "c-006", "c-008"),
        added=("c-007",),
        removed=("c-005",),
        daemon=("max_runs",),
    )
