"""The composition root: makes every part of the daemon and hands each what it needs."""

import os
import random
import secrets as secret_tokens
import signal
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import trio

from dropstreamd import __version__
from dropstreamd.clock import SystemClock
from dropstreamd.config.load import load, load_daemon
from dropstreamd.config.schema import DaemonSettings
from dropstreamd.config.secrets import SecretStore
from dropstreamd.control.consents import STATE_BYTES, Consents
from dropstreamd.control.desk import Desk
from dropstreamd.control.events import Events
from dropstreamd.control.metrics_endpoint import MetricsEndpoint
from dropstreamd.control.server import ControlServer
from dropstreamd.errors import ConfigError, DropstreamError, Hold
from dropstreamd.model.ids import Ids
from dropstreamd.platform.loader import load_plugins
from dropstreamd.store.lmdb_store import LmdbStore, open_store
from dropstreamd.supervisor import restored
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.host import Accounts
from dropstreamd.supervisor.housekeeping import Housekeeping
from dropstreamd.supervisor.notify import Notifier, watchdog, watchdog_interval_s
from dropstreamd.supervisor.reload import Reloader
from dropstreamd.supervisor.report import Gauges, Report
from dropstreamd.telemetry import LoopWatch, Metrics, configure_logging, get_logger

_log = get_logger(__name__)

FAILED = 1
"""Exit status after a failure that a restart may mend."""

REFUSED = 78
"""Exit status for a configuration that cannot be used (`EX_CONFIG`)."""


def run(conf_dir: Path, environment: Mapping[str, str]) -> int:
    """Run the daemon until it is told to end; its exit status."""
    clock = SystemClock()
    try:
        settings = load_daemon(conf_dir)
        configure_logging(settings.log_level, sys.stderr, now_s=clock.now_s)
        with open_store(settings.state_dir, limit_bytes=settings.state_limit_bytes) as state:
            return trio.run(partial(_serve, conf_dir, settings, state, environment))
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return REFUSED
    except DropstreamError as error:
        sys.stderr.write(f"dropstreamd: {error}\n")
        return FAILED
    except ExceptionGroup as group:
        known, rest = group.split(DropstreamError)
        if known is None or rest is not None:
            raise
        _tell(known)
        return FAILED


def _tell(known: ExceptionGroup[DropstreamError]) -> None:
    """Why it ended. Where a person has to put something right, such as a port that another process has, a
    sentence each says all of it; else where it failed is told too."""
    held, other = known.split(Hold)
    if held is not None:
        for error in _each(held):
            sys.stderr.write(f"dropstreamd: {error}\n")
    if other is not None:
        _log.critical("daemon_failed", exc_info=other)


def _each(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _each(error)
        else:
            yield error


async def _serve(
    conf_dir: Path, settings: DaemonSettings, state: LmdbStore, environment: Mapping[str, str]
) -> int:
    clock = SystemClock()
    rng = random.Random(int.from_bytes(os.urandom(16)))  # noqa: S311 - spreads retries; ids need no secrecy
    plugins = await trio.to_thread.run_sync(load_plugins, settings.plugin_path)
    loaded = await trio.to_thread.run_sync(partial(load, conf_dir, plugins))
    metrics = Metrics(now_s=clock.now_s, version=__version__)
    state.watch(metrics)
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    secrets = SecretStore(settings.state_dir, Path(credentials) if credentials else None)
    accounts = Accounts(
        plugins=plugins,
        clock=clock,
        read_secret=secrets.read,
        write_secret=secrets.put,
        observer=metrics,
        rng=rng,
        state=state,
    )
    names: dict[str, str] = {}
    events = Events()
    report = Report(metrics, names, [events])
    daemon = Daemon(
        loaded=loaded,
        state=state,
        clock=clock,
        ids=Ids(clock, rng),
        rng=rng,
        accounts=accounts,
        listener=report,
    )
    notifier = Notifier(environment.get("NOTIFY_SOCKET"))
    reloader = Reloader(conf_dir, plugins, daemon, notifier, names, secrets, grace_s=settings.grace_s)
    reloader.tell_broken()
    await reloader.tell_unreadable()
    reloader.tell_left_behind()
    desk = Desk(
        daemon=daemon,
        environment=state.environment,
        conf_dir=conf_dir,
        secrets=secrets,
        events=events,
        reload=reloader.reload,
        consents=Consents(partial(secret_tokens.token_urlsafe, STATE_BYTES)),
        version=__version__,
    )
    control = ControlServer(desk, settings.socket, settings.socket_mode, settings.socket_group)
    loop = LoopWatch(metrics)
    gauges = Gauges(metrics, daemon, accounts.circuits)
    async with trio.open_nursery() as outer:
        await outer.start(state.run)
        await restored.after_a_restore(state, daemon.config, clock.now_s())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loop.run)
            await nursery.start(daemon.run)
            nursery.start_soon(gauges.run)
            nursery.start_soon(Housekeeping(daemon, metrics, rng).run)
            if settings.metrics is not None:
                endpoint = MetricsEndpoint(
                    metrics, reloader.health, host=settings.metrics.host, port=settings.metrics.port
                )
                await nursery.start(endpoint.run)
            interval_s = watchdog_interval_s(environment, os.getpid())
            if interval_s is not None:
                probes = {"loop": loop.moves, "writer": state.heartbeat}
                nursery.start_soon(watchdog, notifier, probes, interval_s)
            await nursery.start(control.run)
            await notifier.ready(reloader.summary())
            _log.info("daemon_ready", version=__version__, connections=len(daemon.config.connections))
            await _until_told_to_end(reloader)
            await notifier.stopping()
            _log.info("daemon_stopping", grace_s=settings.grace_s)
            settled = await daemon.stop(settings.grace_s)
            nursery.cancel_scope.cancel()
        outer.cancel_scope.cancel()
    _log.info("daemon_stopped", every_run_settled=settled)
    return 0


async def _until_told_to_end(reloader: Reloader) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for number in signals:
            if number != signal.SIGHUP:
                return
            try:
                await reloader.reload()
            except ConfigError as error:
                _log.error("reload_refused", problems=[str(problem) for problem in error.problems])
