"""The log is JSON lines with context, and says nothing that it must not."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import structlog
import trio

from dropstreamd.platform.ftp import FtpAddress
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import SftpAddress
from dropstreamd.telemetry import DocumentEvent, configure_logging, get_logger, log_context
from dropstreamd.telemetry.redaction import ITEMS_LIMIT, REDACTED, TEXT_LIMIT, is_sensitive, redact, scrub

AT_S = datetime(2024, 3, 10, 7, 30, tzinfo=UTC).timestamp()


class Log:
    """What was written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        [line] = self.lines()
        return line


@pytest.fixture
def log() -> Iterator[Log]:
    written = Log()
    configure_logging("info", written.stream, now_s=lambda: AT_S)
    yield written
    structlog.reset_defaults()
    for handler in [h for h in logging.getLogger().handlers if type(h).__name__ == "_Forward"]:
        logging.getLogger().removeHandler(handler)


def test_an_event_is_one_line_with_time_level_name_and_fields(log: Log) -> None:
    get_logger("dropstreamd.files").info("file_archived", file="shp_0412.csv", rows=12, took_s=0.25)
    assert log.only() == {
        "timestamp": "2024-03-10T07:30:00.000+00:00",
        "level": "info",
        "event": "file_archived",
        "module": "dropstreamd.files",
        "file": "shp_0412.csv",
        "rows": 12,
        "took_s": 0.25,
    }


def test_below_the_level_nothing_is_written_until_it_is_lowered(log: Log) -> None:
    logger = get_logger("x")
    logger.debug("unseen")
    configure_logging("debug", log.stream, now_s=lambda: AT_S)
    logger.debug("seen")
    assert [line["event"] for line in log.lines()] == ["seen"]


def test_a_line_break_in_a_field_stays_inside_its_line(log: Log) -> None:
    get_logger("x").info("row_set_aside", reason='torn\n{"event":"forged"}\u2028\udc80')
    assert len(log.stream.getvalue().splitlines()) == 1
    assert log.only()["event"] == "row_set_aside"


async def test_context_reaches_spawned_tasks_and_ends_with_its_block(log: Log) -> None:
    logger = get_logger("x")

    async def spawned() -> None:
        with log_context(run="r-1"):
            logger.info("inside")

    with log_context(connection="acme-shopify", channel="sales_orders", job="import"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(spawned)
    logger.info("outside")
    inside, outside = log.lines()
    assert {key: inside[key] for key in ("connection", "channel", "job", "run")} == {
        "connection": "acme-shopify",
        "channel": "sales_orders",
        "job": "import",
        "run": "r-1",
    }
    assert "connection" not in outside


def test_an_exception_shows_where_it_was_but_no_local_variable(log: Log) -> None:
    def push() -> None:
        customer = "Erika Mustermann"
        try:
            raise OSError(2, "No such file", "in/shp.csv")
        except OSError as error:
            raise RuntimeError(f"cannot push {len(customer)} characters") from error

    try:
        push()
    except RuntimeError as error:
        get_logger("x").error("run_crashed", exc_info=error)
    line = log.only()
    assert line["error"]["type"] == "RuntimeError"
    assert line["error"]["message"] == "cannot push 16 characters"
    assert line["error"]["frames"][-1].endswith("in push")
    [cause] = line["error"]["related"]
    assert (cause["relation"], cause["type"]) == ("cause", "FileNotFoundError")
    assert "Mustermann" not in log.stream.getvalue()


@pytest.mark.parametrize(
    "read",
    [
        int,
        float,
        lambda text: datetime.strptime(text, "%Y").replace(tzinfo=UTC),
        DocumentEvent,
        lambda text: {}[text],
        {"a": 1}.pop,
        lambda text: msgspec.json.decode(msgspec.json.encode(text), type=DocumentEvent),
    ],
)
def test_a_value_that_could_not_be_read_is_not_shown(log: Log, read: Callable[[str], object]) -> None:
    try:
        read('O\'Hara, "Kim", 1 Main St')
    except (ValueError, KeyError) as error:
        get_logger("x").error("run_crashed", exc_info=error)
    assert log.only()["error"]["message"]
    assert not {"Hara", "Kim", "Main"} & set(re.findall(r"\w+", log.stream.getvalue()))


def test_every_member_of_an_exception_group_is_shown_and_a_cycle_ends(log: Log) -> None:
    first, second = ValueError("one"), KeyError("two")
    second.__cause__ = first
    first.__context__ = second
    get_logger("x").error("crashed", exc_info=ExceptionGroup("several", [first, second]))
    related = log.only()["error"]["related"]
    assert [(r["relation"], r["message"]) for r in related] == [("member", "one"), ("member", "[value]")]


def test_exception_in_hand_and_none_in_hand(log: Log) -> None:
    logger = get_logger("x")
    try:
        raise ValueError("bad")
    except ValueError:
        logger.exception("failed")
    logger.error("fine", exc_info=True)
    failed, fine = log.lines()
    assert failed["error"]["message"] == "bad"
    assert "error" not in fine


def test_a_secret_under_any_name_is_not_written(log: Log) -> None:
    get_logger("x").info(
        "opened",
        value=Secret("hunter2"),
        accessToken="hunter2",
        settings={"client_secret": "hunter2", "deep": [{"Authorization": "hunter2"}]},
        ship_to={"name": "hunter2"},
        raw=b"hunter2",
        error=RuntimeError("hunter2"),
    )
    assert "hunter2" not in log.stream.getvalue()
    assert log.only()["value"] == "<Secret>"


def test_a_library_is_heard_from_warning_on_and_scrubbed(log: Log) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://shop.example.com/?token=hunter2")
    logging.getLogger("asyncssh").warning("Cannot reach %s", "sftp://acme:hunter2@wms.example.com/acme")
    logging.getLogger("other").critical("gone")
    warning, critical = log.lines()
    assert warning["module"] == "asyncssh"
    assert warning["message"] == f"Cannot reach sftp://{REDACTED}@wms.example.com/acme"
    assert (critical["level"], critical["event"]) == ("error", "library_message")


def test_configuring_twice_does_not_write_a_librarys_message_twice(log: Log) -> None:
    configure_logging("error", log.stream, now_s=lambda: AT_S)
    logging.getLogger("other").error("once")
    assert log.only()["message"] == "once"


class Broken(io.StringIO):
    """A stream on a full disk, until `full` is taken back."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_lines_that_cannot_be_written_are_counted_and_do_not_raise(log: Log) -> None:
    stream = Broken()
    configure_logging("info", stream, now_s=lambda: AT_S)
    logger = get_logger("x")
    logger.info("lost")
    logger.info("lost")
    stream.full = False
    logger.info("written")
    logger.info("written")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["lines_lost"] == 2
    assert "lines_lost" not in second


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://s.example/a?token=h#f failed", f"GET https://s.example/a?{REDACTED} failed"),
        ("sftp://u:p@s/w@wms.example/in", f"sftp://{REDACTED}@wms.example/in"),
        ("Authorization: Bearer abc.def-123=", f"Authorization: {REDACTED} {REDACTED}"),
        ("bearer abc.def", f"bearer {REDACTED}"),
        ('{"client_secret": "a b", "n": 1}', '{"client_secret": ' + REDACTED + ', "n": 1}'),
        ("password=hunter2; x", f"password={REDACTED}; x"),
        ("key shpat_0123abcd", f"key {REDACTED}"),
        ("Bearer v^1.1#i^1#p^3#t^H4sI/A+=, code v%5E1.1%23i%5E1", f"Bearer {REDACTED}, code {REDACTED}"),
        (
            "cert PRD-0a1b2c3d4e5f-1a2b-3c4d-5e6f-7a8b of A-b-PRD-0123456789-abcdef01",
            f"cert {REDACTED} of A-b-PRD-0123456789-abcdef01",
        ),
        ("keys Atzr|IwEB_x/9+=, amzn1.oa2-cs.v1.0a1b", f"keys {REDACTED}, {REDACTED}"),
        ("jwt eyJhbGciOi.eyJzdWIi.sig", f"jwt {REDACTED}"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", REDACTED),
        ("to erika@example.com.", f"to {REDACTED}"),
        ("shp_0412.csv line 7: SKU 100234 missing", "shp_0412.csv line 7: SKU 100234 missing"),
    ],
)
def test_scrub(text: str, shown: str) -> None:
    assert scrub(text) == shown


@pytest.mark.parametrize("address", [SftpAddress, FtpAddress])
def test_the_server_of_an_error_can_be_told(address: type[SftpAddress | FtpAddress]) -> None:
    for host in ("127.0.0.1", "wms.example.com"):
        error = f"{address(user='demo', host=host, port=2222)}: no answer, told erika@example.com"
        assert scrub(error) == f"demo at {host}:2222: no answer, told {REDACTED}"


def test_long_text_is_cut_between_words_so_that_no_half_secret_is_left() -> None:
    text = "x" * (TEXT_LIMIT - 20) + " sftp://acme:hunter2@wms.example.com/acme"
    assert scrub(text) == "x" * (TEXT_LIMIT - 20) + " [cut]"
    assert scrub("y" * TEXT_LIMIT * 2) == "[cut]"


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "access_token",
        "apiKey",
        "X-Api-Key",
        "set-cookie",
        "private_key",
        "Email",
        "ship_to",
        "address1",
    ],
)
def test_sensitive_keys(key: str) -> None:
    assert is_sensitive(key)


@pytest.mark.parametrize("key", ["key", "host_key", "sku", "author", "tokenizer", "monkey", "event", "path"])
def test_other_keys(key: str) -> None:
    assert not is_sensitive(key)


def test_values_are_plain_and_bounded() -> None:
    assert redact(float("nan")) == "nan"
    assert redact(Decimal("1.50")) == "1.50"
    assert redact(datetime(2024, 1, 2, tzinfo=UTC)) == "2024-01-02T00:00:00+00:00"
    assert redact(object()) == "<object>"
    assert redact(list(range(ITEMS_LIMIT + 2)))[-1] == "[2 more]"  # type: ignore[index]
    assert redact({str(n): n for n in range(ITEMS_LIMIT + 2)})["[cut]"] == 2  # type: ignore[index,call-overload]
    assert redact({(1, 2): "x"}) == {"<tuple>": "x"}
    endless: list[object] = []
    endless.append(endless)
    assert redact(endless) == [[[[["[deeper]"]]]]]
