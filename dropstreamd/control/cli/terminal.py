"""What people and scripts see: text out, notes and questions beside it, colour only where it is welcome.

Everything shown may hold data from stores and warehouses. `clean` takes the power out of it: an order
note must not move the cursor, retitle the window or reverse the reading order of a line.
"""

import enum
import re
import shutil
import unicodedata
from collections.abc import Mapping
from typing import TextIO

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: terminal commands start with one of them
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"  # reading order, unseen
)


class Style(enum.Enum):
    """What a piece of text means; the value is how a terminal is told."""

    PLAIN = ""
    GOOD = "32"
    BAD = "31"
    WARN = "33"
    DIM = "2"
    HEAD = "1"


class Terminal:
    """The streams of one command. `environ` holds NO_COLOR and TERM.

    Answers go to `out`, notes, questions and errors to `err`, so that `out` can be piped.
    """

    def __init__(self, stdin: TextIO, out: TextIO, err: TextIO, environ: Mapping[str, str]) -> None:
        self.stdin = stdin
        self._out = out
        self._err = err
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._colour = {out: out.isatty() and not plain, err: err.isatty() and not plain}
        self._is_terminal = out.isatty()
        self._is_live = out.isatty() and environ.get("TERM") != "dumb"
        self.can_ask = stdin.isatty() and err.isatty()
        self._moving = False

    def line(self, *parts: "str | tuple[str, Style]") -> None:
        """A line of the answer, made of plain and styled parts."""
        self._end_progress()
        self._write(self._out, parts, "\n")

    def raw(self, text: str) -> None:
        """The API's own answer, for scripts: untouched, save on a terminal, where what would steer it
        is written as JSON escapes."""
        if self._is_terminal:
            text = _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        self._out.write(text + "\n")
        self._out.flush()

    def note(self, *parts: "str | tuple[str, Style]") -> None:
        """A line beside the answer: what to do next, what went wrong."""
        self._end_progress()
        self._write(self._err, parts, "\n")

    def progress(self, text: str) -> None:
        """The newest state of something that moves: one line that changes, or else a line a change."""
        if not self._is_live:
            self._write(self._out, (text,), "\n")
            return
        self._out.write("\r\x1b[K")
        # A line that wraps could not be taken back.
        self._write(self._out, (_fitting(clean(text), shutil.get_terminal_size().columns - 1),), "")
        self._moving = True

    def ask(self, question: str) -> bool:
        """Whether a person says yes. Only where `can_ask`; the end of input is a no."""
        self._end_progress()
        self._write(self._err, (f"{question} [y/N] ",), "")
        return self.stdin.readline(16).strip().lower() in {"y", "yes"}

    def _end_progress(self) -> None:
        if self._moving:
            self._moving = False
            self._out.write("\n")

    def _write(self, stream: TextIO, parts: "tuple[str | tuple[str, Style], ...]", end: str) -> None:
        for part in parts:
            text, style = (part, Style.PLAIN) if isinstance(part, str) else part
            shown = clean(text)
            if style is not Style.PLAIN and self._colour[stream]:
                shown = f"\x1b[{style.value}m{shown}\x1b[0m"
            stream.write(shown)
        stream.write(end)
        stream.flush()


def clean(text: str) -> str:
    """`text` with every character that steers a terminal written out, such as `\\x1b`."""
    return _STEERING.sub(_written_out, text)


def width(text: str) -> int:
    """The columns that cleaned text takes on a terminal."""
    return sum(_columns(char) for char in text)


def _fitting(text: str, columns: int) -> str:
    while width(text) > columns:
        text = text[:-1]
    return text


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}.get(code) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    )
