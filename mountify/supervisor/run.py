"""Start everything in order, look after it, end everything in the opposite order."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType

from mountify.config import ConfigError
from mountify.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedRedis
from mountify.embedded.processes import lock, wait_until
from mountify.supervisor.children import MARK, Child, end_leftovers
from mountify.supervisor.house import (
    ROOT,
    House,
    check,
    demo_accounts,
    forget,
    furnish,
    insist_on_free_ports,
    recall,
    remember,
    var_folder,
)

READY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.5
THREADS = 8
PYTHON = (sys.executable, "-m")


def up(environ: Mapping[str, str]) -> int:
    """Run the shop until told to stop; the exit code."""
    run = Run()
    try:
        run.begin(environ)
        return run.watch()
    except (ConfigError, EmbeddedError) as error:
        print(f"Mountify: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        run.finish()


class Run:
    def __init__(self) -> None:
        self.told_to_stop = threading.Event()
        self.signals = 0
        self.children: list[Child] = []
        self.servers: list[EmbeddedPostgres | EmbeddedRedis] = []
        self.parent = os.getppid()
        self.has_make = False
        self.house: House | None = None

    def begin(self, environ: Mapping[str, str]) -> None:
        self.has_make = environ.get("MOUNTIFY_MAKE") == "1"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        var = var_folder(environ)
        (var / "run").mkdir(parents=True, exist_ok=True)
        if lock(var / "run" / "supervisor.lock") is None:
            running = recall({"MOUNTIFY_VAR": str(var)})
            at = f" on {_base_url(running)}" if running else ""  # nothing is told yet while it starts
            raise EmbeddedError(f"This shop is running already{at}, with its data in {var}.")
        if count := end_leftovers(var):
            say(f"Ended {count} processes that a killed run had left behind.")
        house, told = furnish(environ)
        insist_on_free_ports(house)
        for step in (
            self._start_servers,
            self._migrate,
            self._start_sandbox,
            self._load_demo,
            self._start_children,
            self._announce,
        ):
            if self.is_over:
                return
            step(house, told)

    @property
    def is_over(self) -> bool:
        orphaned = self.has_make and os.getppid() != self.parent
        return orphaned or self.told_to_stop.is_set()

    def watch(self) -> int:
        """Look after the parts until told to stop. Raises EmbeddedError when one of them cannot be kept alive."""
        while not self.is_over:
            for server in self.servers:
                if not server.is_running:
                    server.start()
            for child in self.children:
                if child.dies_too_often:
                    raise EmbeddedError(
                        f"The {child.name} ends again and again. The end of {child.log} says:\n{child.last_words}"
                    )
                child.keep_alive()
            self.told_to_stop.wait(LOOK_EVERY_S)
        return 0

    def finish(self) -> None:
        """End everything, the last started first, even when something will not end."""
        if self.house is not None:
            forget(self.house.var)
        for part in (*reversed(self.children), *reversed(self.servers)):
            try:
                part.stop(hurry=self.signals > 1) if isinstance(part, Child) else part.stop()
            except EmbeddedError as error:
                print(f"Mountify: {error}", file=sys.stderr, flush=True)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        self.told_to_stop.set()

    def _start_servers(self, house: House, told: dict[str, str]) -> None:
        if house.needs_postgres:
            say("Starting PostgreSQL …")
            postgres = EmbeddedPostgres(house.var / "postgres")
            self.servers.append(postgres)
            told["DATABASE_URL"] = postgres.start()
        if house.needs_redis:
            redis = EmbeddedRedis(house.folder("redis"))
            self.servers.append(redis)
            told["REDIS_URL"] = redis.start()
        check(told)

    def _migrate(self, house: House, told: dict[str, str]) -> None:
        self._once("The database could not be migrated", ["migrate"], house, told)

    def _load_demo(self, house: House, told: dict[str, str]) -> None:
        if house.needs_postgres:
            demo_accounts(house)
            self._once(
                "The demo shop could not be loaded", ["seed", "--demo", "--accounts", str(house.accounts)], house, told
            )

    def _once(self, trouble: str, command: list[str], house: House, told: dict[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "mountify", *command],
            cwd=ROOT,
            env={**told, MARK: str(house.var)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        if done.returncode:
            raise EmbeddedError(f"{trouble}:\n{(done.stderr or done.stdout).strip()[-2000:]}")

    def _start_sandbox(self, house: House, told: dict[str, str]) -> None:
        if house.needs_sandbox:
            self._start(
                Child("sandbox", [*PYTHON, *_sandbox(house, told)], _environment(told), house.var, patience_s=3),
                lambda: _answers(house.sandbox_port, "/"),
            )

    def _start_children(self, house: House, told: dict[str, str]) -> None:
        env = _environment(told)
        self._start(Child("worker", [*PYTHON, "mountify", "worker"], env, house.var, patience_s=25), lambda: True)
        web = web_command(house.port, workers=told.get("WEB_WORKERS", "1"))
        self._start(Child("web", [*PYTHON, *web], env, house.var), lambda: _answers(house.port, "/readyz"))

    def _start(self, child: Child, is_ready: Callable[[], bool]) -> None:
        self.children.append(child)
        child.start()
        wait_until(lambda: is_ready() or not child.is_running or self.is_over, READY_WITHIN_S)
        if self.is_over:
            return
        if not child.is_running or not is_ready():
            raise EmbeddedError(f"The {child.name} did not start. The end of {child.log} says:\n{child.last_words}")

    def _announce(self, house: House, told: dict[str, str]) -> None:
        remember(house, told)
        self.house = house
        say(f"Mountify: {_base_url(told)}")
        if house.needs_sandbox:
            say(f"Sandbox: {house.sandbox_url}")
        if house.needs_postgres:
            for email, password in demo_accounts(house).items():
                say(f"{email}  {password}")
        say("Ctrl-C ends everything.")


def say(line: str) -> None:
    print(line, flush=True)


def _environment(told: Mapping[str, str]) -> dict[str, str]:
    """What a part is told. Fewer memory arenas: eight threads that each keep one cost more than they gain here."""
    return {"MALLOC_ARENA_MAX": "2", **told, "PYTHONUNBUFFERED": "1"}


def _sandbox(house: House, told: Mapping[str, str]) -> list[str]:
    return [
        "mountify.sandbox",
        *("--port", str(house.sandbox_port)),
        *("--data", str(house.folder("sandbox"))),
        *("--webhook-url", f"http://127.0.0.1:{house.port}/api/webhooks/stripe"),
        *("--webhook-secret", told["STRIPE_WEBHOOK_SECRET"].split(",")[0].strip()),
        *("--google-redirect", f"{_base_url(told)}/auth/google/callback"),
        *("--track17-webhook-url", f"http://127.0.0.1:{house.port}/api/webhooks/17track"),
        *("--track17-key", house.track17_key),
    ]


def _base_url(told: Mapping[str, str]) -> str:
    return (told.get("BASE_URL") or f"http://127.0.0.1:{told['PORT']}").rstrip("/")


def web_command(port: int, *, workers: str = "1", threads: int = THREADS) -> list[str]:
    """The module that serves the shop, and what it is told: who is to end answers first what it has begun."""
    return [
        "granian",
        *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", workers, "--blocking-threads", str(threads)),
        *("--workers-kill-timeout", "8", "--respawn-failed-workers", "--no-access-log"),
        "wsgi:app",
    ]


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except OSError:
        return False
    finally:
        connection.close()
