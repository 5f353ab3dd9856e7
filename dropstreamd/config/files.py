"""Reading the configuration's files: bounded, regular, UTF-8; what cannot be read is a problem."""

import csv
import errno
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dropstreamd.config import syntax
from dropstreamd.config.csv_rows import Columns, Row, Rows
from dropstreamd.config.disk import read_regular
from dropstreamd.config.place import Place, shown
from dropstreamd.config.values import NAME, NAME_ALLOWED

TOML_LIMIT_BYTES = 1024 * 1024
CSV_LIMIT_BYTES = 128 * 1024 * 1024
FILES_LIMIT = 10_000

Overlay = Mapping[str, bytes | None]
"""Files, by their paths below the configuration's folder, as if they had this content (None: as if they
were not there). An edit is tried so before it is made."""


class ConfFolder:
    """The configuration's folder as it stands, under an overlay."""

    def __init__(self, folder: Path, overlay: Overlay) -> None:
        self.folder = folder
        self._overlay = overlay

    def shown_path(self, path: str) -> str:
        """A file's path for people."""
        return str(self.folder / path)

    def names(self, sub: str, place: Place) -> list[str]:
        """The names (less `.toml`) of the files in a sub-folder, sorted. A missing sub-folder is a
        problem: a mount that failed must not look like a configuration without connections."""
        try:
            found = {path.name for path in (self.folder / sub).iterdir()}
        except OSError as error:
            place.wrong(found=_reason(error), allowed="a folder that the daemon may list", hint="create it")
            return []
        for path, content in self._overlay.items():
            parent, _, name = path.rpartition("/")
            if parent == sub:
                found = found - {name} if content is None else found | {name}
        names = sorted(
            name.removesuffix(".toml")
            for name in found
            if name.endswith(".toml") and not name.startswith(".")
        )
        if len(names) > FILES_LIMIT:
            place.wrong(found=f"{len(names)} files", allowed=f"at most {FILES_LIMIT}")
        return names[:FILES_LIMIT]

    def toml(self, path: str, place: Place) -> Mapping[str, object] | None:
        """A file's content; None after a problem, a syntax error with its place and line."""
        text = self._text(path, place, TOML_LIMIT_BYTES)
        if text is None:
            return None
        try:
            return tomllib.loads(text + "\n")  # so that a mistake in the last line has a line, too
        except tomllib.TOMLDecodeError as error:
            syntax.report(error, text, place)
        except RecursionError:
            place.wrong(found="lists or tables nested too deep", allowed="TOML of a few levels")
        except ValueError:  # int() refuses thousands of digits
            place.wrong(found="a number of thousands of digits", allowed="TOML")
        return None

    def pairs(self, path: str, columns: tuple[str, str], most: int, place: Place) -> dict[str, str] | None:
        """A CSV file with a header as a map from its first to its second column; other columns are
        for people. None after a problem; wrong rows are reported by line, the first twenty of them."""
        rows = self.rows(path, Columns(names=columns), most, place)
        return None if rows is None else {row[0]: row[1] for row in rows}

    def rows(self, path: str, columns: Columns, most: int, place: Place) -> list[Row] | None:
        """The rows of a CSV file with a header; None after a problem, reported likewise."""
        text = self._text(path, place, CSV_LIMIT_BYTES)
        if text is None:
            return None
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        rows = Rows(columns, path=self.shown_path(path), most=most, place=place)
        try:
            return rows.read(reader, lambda: reader.line_num)
        except csv.Error as error:
            rows.wrong(reader.line_num, str(error), "CSV: commas, and quotes in pairs")
            return None

    def _text(self, path: str, place: Place, limit_bytes: int) -> str | None:
        content = self._content(path, place, limit_bytes)
        if content is None:
            return None
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            place.wrong(found=f"a byte on line {line} that is no UTF-8", allowed="text in UTF-8")
            return None

    def _content(self, path: str, place: Place, limit_bytes: int) -> bytes | None:
        if path in self._overlay:
            content = self._overlay[path]
            if content is None:
                place.wrong(found="no such file", allowed="a file")
                return None
        else:
            try:
                content = read_regular(self.folder / path, limit_bytes)
            except OSError as error:
                place.wrong(found=_reason(error), allowed="a file that the daemon may read")
                return None
        if len(content) > limit_bytes:
            place.wrong(found="a larger file", allowed=f"at most {limit_bytes} bytes")
            return None
        return content


def name_of(file_stem: str, place: Place) -> str | None:
    """The name that a file's name gives; None after a problem."""
    if NAME.fullmatch(file_stem):
        return file_stem
    place.wrong(found=f"a file named {shown(file_stem)}", allowed=f"a name of {NAME_ALLOWED}")
    return None


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "no such file or folder"
    if error.errno == errno.ELOOP:
        return "symbolic links that lead in a circle"
    return (error.strerror or "an error of the file system").lower()
