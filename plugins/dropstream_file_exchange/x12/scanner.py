"""Cuts a file into segments, piece by piece: what is read before is not kept."""

from typing import IO

from dropstream_file_exchange.x12.syntax import MOST_SEGMENT_BYTES, Delimiters, Header, read_header
from dropstreamd.errors import ProtocolMismatch

CHUNK_BYTES = 1 << 16
BLANK = b"\r\n\t \x00\x1a"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Scanner:
    """The segments of a file from `offset` on. After an ISA segment its delimiters hold.

    Ends of line and blanks between segments are skipped. Raises ProtocolMismatch for what is no X12
    at all: it does not begin with ISA, a header cannot be read, or a segment has no end.
    """

    def __init__(
        self, content: IO[bytes], *, offset: int = 0, number: int = 0, delimiters: Delimiters | None = None
    ) -> None:
        self.number = number
        """Of the segment that was read last, from 1."""
        self.header: Header | None = None
        """Of the ISA segment that was read last."""
        self.ended_open = False
        """Whether the last segment had no terminator."""
        self._content = content
        self._content.seek(offset)
        self._base = offset
        self._buffer = b""
        self._at = 0
        self._ended = False
        self._terminator = b"" if delimiters is None else delimiters.segment.encode()

    @property
    def position(self) -> int:
        """The byte after the segment that was read last."""
        return self._base + self._at

    def next(self) -> tuple[int, bytes] | None:
        """Where the next segment begins, and its bytes without the terminator; None at the end."""
        if not self._to_next():
            return None
        self.number += 1
        start = self._base + self._at
        if (
            self._buffer.startswith(b"ISA", self._at)
            and not self._buffer[self._at + 3 : self._at + 4].isalnum()
        ):
            return start, self._header()
        if not self._terminator:
            found = self._buffer[self._at : self._at + 8]
            raise ProtocolMismatch(f"it does not begin with ISA, but with {found!r}: no X12 file")
        end = self._buffer.find(self._terminator, self._at)
        while end < 0 and self._more():
            end = self._buffer.find(self._terminator, self._at)
            if end < 0 and len(self._buffer) - self._at > MOST_SEGMENT_BYTES:
                break
        if end < 0:
            end = len(self._buffer)
            self.ended_open = True
        if end - self._at > MOST_SEGMENT_BYTES:
            raise ProtocolMismatch(f"segment {self.number} is longer than {MOST_SEGMENT_BYTES} bytes")
        raw = self._buffer[self._at : end]
        self._at = end + 1
        return start, raw

    def _header(self) -> bytes:
        while len(self._buffer) - self._at < 2 * 106 and self._more():
            pass
        try:
            self.header, length = read_header(self._buffer[self._at : self._at + 2 * 106])
        except ValueError as error:
            raise ProtocolMismatch(f"segment {self.number}: {error}") from error
        raw = self._buffer[self._at : self._at + length - 1]
        self._at += length
        self._terminator = self.header.delimiters.segment.encode()
        return raw

    def _to_next(self) -> bool:
        """Go to the first byte of the next segment. False: nothing follows."""
        if self._base == 0 and not self._at:
            self._more()
            if self._buffer.startswith(BYTE_ORDER_MARK):
                self._at = len(BYTE_ORDER_MARK)
        while True:
            while self._at < len(self._buffer):
                sign = self._buffer[self._at]
                if sign not in BLANK and self._buffer[self._at : self._at + 1] != self._terminator:
                    if len(self._buffer) - self._at < 4:  # `next` looks at so many together
                        self._more()
                    return True
                self._at += 1
            if not self._more():
                return False

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        chunk = self._content.read(CHUNK_BYTES)
        if not chunk:
            self._ended = True
            return False
        self._base += self._at
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return True
