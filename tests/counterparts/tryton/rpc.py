"""Tryton's JSON-RPC, as its own clients call it; synchronous, for tests and fixtures."""

import base64
from typing import Any

import httpx

from ..plain import no_tls
from ..process import CounterpartError
from .server import DATABASE

TIMEOUT_S = 120
Row = dict[str, Any]


class Rpc:
    """One user's session; the user agrees to every warning."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._http = httpx.Client(timeout=TIMEOUT_S, verify=no_tls(), trust_env=False)
        self._url = f"{url}/{DATABASE}/rpc/"
        self.user, session, _ = self._call("common.db.login", user, {"password": password}, "en")
        token = base64.b64encode(f"{user}:{self.user}:{session}".encode()).decode()
        self._http.headers["authorization"] = f"Session {token}"
        preferences = self._call("model.res.user.get_preferences", True, {})  # noqa: FBT003
        self.context = {"company": preferences["company"], "language": "en"}

    def __call__(self, method: str, *arguments: object, context: Row | None = None) -> Any:
        """Call a model's method; errors of any kind raise."""
        return self._call(f"model.{method}", *arguments, {**self.context, **(context or {})})

    def wizard(self, name: str, model: str, record: int, state: str, data: Row) -> None:
        """Start a wizard on a record, and press the button of `state`."""
        context = {**self.context, "active_model": model, "active_id": record, "active_ids": [record]}
        session, _, _ = self._call(f"wizard.{name}.create", context)
        self._call(f"wizard.{name}.execute", session, data, state, context)

    def rows(self, model: str, domain: list[Any], *fields: str) -> list[Row]:
        found: list[Row] = self(f"{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields))
        return found

    def create(self, model: str, *values: Row) -> list[int]:
        ids: list[int] = self(f"{model}.create", list(values))
        return ids

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, *arguments: object) -> Any:
        body = {"id": 1, "method": method, "params": list(arguments)}
        response = self._http.post(self._url, json=body)
        if response.status_code != 200:
            raise CounterpartError(
                f"Tryton answered {method} with {response.status_code}: {response.text[:300]}"
            )
        answer = response.json()
        if answer.get("error") and answer["error"][0] == "UserWarning":
            # As a person who says yes to every warning.
            agreed = {"user": self.user, "name": answer["error"][1][0]}
            self.create("res.user.warning", agreed)
            return self._call(method, *arguments)
        if answer.get("error"):
            raise CounterpartError(f"Tryton refused {method}: {answer['error']}")
        return answer["result"]


def decimal(number: object) -> Row:
    return {"__class__": "Decimal", "decimal": str(number)}
