"""Expressions in CEL (cel.dev, "Language Definition"), compiled once and bounded in what they may cost.

The library is Google's own runtime. What bounds an expression: `MAX_TEXT` characters, 32 levels, and
10,000 steps of its macros, after which it fails. Left out is what could still cost without bound:
`map`, which can double its values at every step, `matches`, whose patterns may take long to
compile, and `+` within a macro, which copies texts at each step. `lower()` is added, for texts that
differ in case.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from cel_expr_python import cel

R = TypeVar("R", bound=bool | str)

MAX_TEXT = 1000
"""Characters of one expression."""

_CONFIG = """
name: "orders"
stdlib:
  exclude_macros: [map]
  exclude_functions:
    - name: matches
"""
_LEFT_OUT = {
    "map": "there is no map: use exists, all or filter",
    "matches": "there are no patterns: use contains, startsWith, endsWith and lower()",
}
_FUNCTIONS = ("contains", "startsWith", "endsWith", "lower", "size", "exists", "exists_one", "all", "filter")
_ERROR = re.compile(
    r"ERROR: <input>:(?P<line>-?\d+):(?P<column>-?\d+): (?P<what>[^\n]*?)(?: expecting \{[^\n]*)?(?=\n|$)"
)
_UNKNOWN = re.compile(r"undeclared reference to '(?P<name>[^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '(?P<function>[^']*)' applied to '(?P<types>[^']*)'")
_STATUS = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$")
_MISSING = re.compile(r'No value with name "(?P<name>[^"]*)"')
_NO_KEY = "Key not found"
_MISTAKES = ("No matching overloads",)
_DOT = re.compile(r"\s*\.\s*")
_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_LOOP = re.compile(r"\.\s*(?P<name>exists_one|exists|all|filter)\s*\(")
_SELECTED = re.compile(r"(?P<root>[A-Za-z_]\w*|[\])])(?P<names>(?:\s*\.\s*[A-Za-z_]\w*)+)(?P<call>\s*\()?")


class Kind(StrEnum):
    """What a name in an expression stands for. An amount and a measure may be null."""

    TEXT = "text"
    WHOLE = "whole number"
    MEASURE = "whole number or null"
    AMOUNT = "amount"
    INSTANT = "instant"
    FLAG = "true or false"
    TEXTS = "list of texts"
    RECORDS = "list of records"


class ExpressionProblem(Exception):
    """An expression that cannot be compiled: what was found, what is allowed, what may be meant."""

    def __init__(self, found: str, allowed: str, hint: str = "") -> None:
        super().__init__(f"found {found}, expected {allowed}")
        self.found = found
        self.allowed = allowed
        self.hint = hint


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation came to nothing. `mistaken`: it asks for what no value has, so that it never can."""

    message: str
    mistaken: bool = False


class Expression(Generic[R]):
    """A compiled expression; two are equal if their sources are."""

    __slots__ = ("_names", "_program", "_result", "source")

    def __init__(self, source: str, program: Any, result: type[R], names: Iterable[str]) -> None:
        self.source = source
        joined = _DOT.sub(".", source)
        self._names = tuple(
            name for name in names if name in joined
        )  # what is not asked for is not converted
        self._program = program
        self._result = result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(self, values: Mapping[str, object]) -> R | Failure:
        """Its value, or why there is none. Names without a value fail only where they are needed."""
        try:
            found = self._program.eval(data={name: values[name] for name in self._names if name in values})
        except (RuntimeError, ValueError, TypeError) as error:
            return _failure(str(error))
        if found.type() == cel.Type.ERROR:
            return _failure(str(found.value()))
        value = found.value()
        if not isinstance(value, self._result):
            return Failure(message=f"it came to {type(value).__name__}", mistaken=True)
        return value


class Language:
    """What expressions may speak of: names and the kind of each; `fields` are those of a record.

    Types are checked against these names when an expression is compiled; a list's records are
    checked by name only.
    """

    def __init__(self, names: Mapping[str, Kind], fields: frozenset[str] = frozenset()) -> None:
        self._names = names
        self._fields = fields
        self._roots = frozenset(name.partition(".")[0] for name in names)
        types = cel.Type
        kinds = {
            Kind.TEXT: types.STRING,
            Kind.WHOLE: types.INT,
            Kind.MEASURE: types("google.protobuf.Int64Value"),
            Kind.AMOUNT: types("google.protobuf.DoubleValue"),
            Kind.INSTANT: types.TIMESTAMP,
            Kind.FLAG: types.BOOL,
            Kind.TEXTS: types.List(types.STRING),
            Kind.RECORDS: types.List(types.Map(types.STRING, types.DYN)),
        }
        self._checking = _environment({name: kinds[kind] for name, kind in names.items()})
        # What may be null has a type to check, but no values that Python could make.
        kinds[Kind.AMOUNT] = kinds[Kind.MEASURE] = types.DYN
        self._running = _environment({name: kinds[kind] for name, kind in names.items()})

    def compile(self, source: str, result: type[R]) -> Expression[R]:
        """Raises ExpressionProblem: it is too long or deep, or names or types are wrong."""
        if not source.strip() or len(source) > MAX_TEXT:
            raise ExpressionProblem(f"{len(source)} characters", f"an expression of 1 to {MAX_TEXT}")
        try:
            checked = self._checking.compile(source)
            program = self._running.compile(source)
        except RuntimeError as error:
            raise self._problem(str(error)) from error
        wanted = cel.Type.BOOL if result is bool else cel.Type.STRING
        if checked.return_type() != wanted:
            what = "true or false" if result is bool else "text"
            found = str(checked.return_type().name()).lower()
            raise ExpressionProblem(f"an expression for {found}", f"one for {what}")
        self._check_fields(source)
        _check_loops(_STRING.sub("''", source))
        return Expression(source, program, result, self._names)

    def _check_fields(self, source: str) -> None:
        """Whether every field of a record is one. Those of the names themselves were checked with
        their types."""
        for match in _SELECTED.finditer(_STRING.sub("''", source)):
            if match["root"] in self._roots:
                continue
            names = [name.strip() for name in match["names"].split(".")[1:]]
            for name in names[:-1] if match["call"] else names:
                if name not in self._fields:
                    allowed = f"a field of a line: {', '.join(sorted(self._fields)) or 'none'}"
                    raise ExpressionProblem(f"the unknown field {name}", allowed, _meant(name, self._fields))

    def _problem(self, text: str) -> ExpressionProblem:
        errors = list(_ERROR.finditer(text))
        for error in errors:
            unknown = _UNKNOWN.search(error["what"])
            if unknown is not None and unknown["name"] in _LEFT_OUT:
                return ExpressionProblem(
                    f"{unknown['name']}()", "what is offered", _LEFT_OUT[unknown["name"]]
                )
        if not errors or "recursion" in text:
            found = "an expression nested or chained too deep" if "recursion" in text else _bare(text)
            return ExpressionProblem(found, "a simpler expression, or several rules")
        column, what = errors[0]["column"], errors[0]["what"]
        unknown, overload = _UNKNOWN.search(what), _OVERLOAD.search(what)
        if unknown is not None:
            name = unknown["name"]
            found = f"the unknown name {name} in column {column}"
            hint = _meant(name, (*self._names, *_FUNCTIONS))
            return ExpressionProblem(found, "a name that orders have, such as order.total", hint)
        if overload is not None:
            function, types = (
                overload["function"].strip("_"),
                overload["types"].replace("wrapper(double)", "amount"),
            )
            amount = "write an amount with a point, such as 500.0" if "int" in types and "a" in types else ""
            return ExpressionProblem(
                f"{function} between {types} in column {column}", "values that go together", amount
            )
        return ExpressionProblem(f"{what[:150]} in column {column}", "an expression in CEL")


def _check_loops(source: str) -> None:
    """Whether no macro adds anything. `source` has no strings, and its brackets are in pairs."""
    for match in _LOOP.finditer(source):
        depth, at = 1, match.end()
        while depth and at < len(source):
            depth += (source[at] == "(") - (source[at] == ")")
            if source[at] == "+":
                raise ExpressionProblem(f"+ within {match['name']}()", "a comparison without it")
            at += 1


def _environment(variables: Mapping[str, Any]) -> Any:
    text = cel.Type.STRING
    lower = cel.Overload("string_lower", text, [text], is_member=True, impl=str.lower)
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_CONFIG),
        variables=variables,
        functions=[cel.FunctionDecl("lower", [lower])],
    )


def _failure(text: str) -> Failure:
    message = _bare(text)
    missing = _MISSING.search(message)
    if missing is not None:
        return Failure(message=f"{missing['name']} has no value that could be compared")
    if message.startswith(_NO_KEY):  # the key itself may be a buyer's
        return Failure(message="a map has no such key: ask with `in` first", mistaken=True)
    if "null_type" in message:
        return Failure(message="the order has no such amount: ask whether it is != null first")
    return Failure(message=message, mistaken=message.startswith(_MISTAKES))


def _bare(text: str) -> str:
    return _STATUS.sub("", _STATUS.sub("", text))[:200]


def _meant(word: str, candidates: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(candidates), n=1)
    return f'did you mean "{close[0]}"?' if close else ""
