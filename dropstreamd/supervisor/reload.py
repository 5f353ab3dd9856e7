"""Reads the configuration again and goes over to it, or keeps the old one whole."""

from functools import partial
from pathlib import Path

import trio

from dropstreamd.config import unreadable
from dropstreamd.config.accounts import Plugins
from dropstreamd.config.changes import Changes
from dropstreamd.config.load import load
from dropstreamd.config.secrets import SecretStore
from dropstreamd.errors import ConfigError
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.notify import Notifier
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)


class Reloader:
    """The one way to a new configuration, for SIGHUP and for the API.

    `names` maps connection ids to names for whoever reports on them; it is kept in step.
    """

    def __init__(
        self,
        conf_dir: Path,
        plugins: Plugins,
        daemon: Daemon,
        notifier: Notifier,
        names: dict[str, str],
        secrets: SecretStore,
        *,
        grace_s: float,
    ) -> None:
        self._conf_dir = conf_dir
        self._plugins = plugins
        self._daemon = daemon
        self._notifier = notifier
        self._names = names
        self._secrets = secrets
        self._grace_s = grace_s
        self._one_at_a_time = trio.Lock()
        self._keep_names()

    async def reload(self) -> Changes:
        """What changed. Raises ConfigError with every problem, and then nothing has changed. One after the
        other: of two, what was read first must not take the place of what was read last."""
        async with self._one_at_a_time:
            return await self._reload()

    async def _reload(self) -> Changes:
        await self._notifier.reloading()
        try:
            loaded = await trio.to_thread.run_sync(partial(load, self._conf_dir, self._plugins))
            if loaded.problems:
                raise ConfigError(list(loaded.problems))
            changes = await self._daemon.take_over(loaded, self._grace_s)
            self._keep_names()
            _log.info(
                "reloaded",
                hot=changes.hot,
                restarted=changes.restarted,
                added=changes.added,
                removed=changes.removed,
                wait_for_a_restart=changes.daemon,
            )
            await self.tell_unreadable()
            self.tell_left_behind()
            return changes
        finally:
            await self._notifier.ready(self.summary())

    def _keep_names(self) -> None:
        self._names.clear()
        self._names.update({each.id: each.name for each in self._daemon.config.connections.values()})

    def tell_broken(self) -> None:
        """Log what of the configuration cannot run."""
        for broken in self._daemon.broken:
            problems = [str(problem) for problem in broken.problems]
            _log.error("cannot_run", kind=broken.kind, name=broken.name, problems=problems)

    async def tell_unreadable(self) -> None:
        """Log the secrets that are named for connections and cannot be read: these fail until they are
        there."""
        config, plugins = self._daemon.config, self._plugins
        look = partial(unreadable.of_all, self._conf_dir, config, plugins, self._secrets)
        problems = await trio.to_thread.run_sync(lambda: [str(problem) for problem in look()])
        if problems:
            _log.error("secrets_cannot_be_read", problems=problems)

    def tell_left_behind(self) -> None:
        """Log what is open under an id that was changed: nothing of it goes on."""
        for each in self._daemon.left_behind():
            _log.error("left_behind", id=each.id, open=each.count, new=each.new.id, remedy=each.remedy)

    def summary(self) -> str:
        """A line for `systemctl status`."""
        broken = len(self._daemon.broken)
        tail = f", {broken} cannot run" if broken else ""
        return f"{len(self._daemon.config.connections)} connections{tail}"

    def health(self) -> str | None:
        """What is wrong, for a load balancer; None while all is well."""
        if self._daemon.broken:
            names = ", ".join(f"{broken.kind} {broken.name}" for broken in self._daemon.broken)
            return f"cannot run: {names}"
        return None
