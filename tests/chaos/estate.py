"""A whole shop of real processes, servers included, in which anything can be killed, ended or stopped at any moment."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mountify import db, schema
from mountify.config import Config
from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.embedded.processes import Process, end, every_process, free_port, tail, working_in
from mountify.embedded.redis import NAMES
from tests.processes.parts import Parts
from tests.sandbox.support import SECRET, Running

from .courier import Courier

PARTS, SERVERS = ("web", "worker"), ("postgres", "redis")
PATIENCE_S = {"web": 10.0, "worker": 25.0}  # as the supervisor's
CONFIG = Config(
    database_url="",
    redis_url="",
    secret_key="a-secret-that-only-the-tests-know-0123456789",
    base_url="",
    stripe_secret_key="sk_test_only",
    stripe_webhook_secrets=(SECRET,),
    resend_api_key="re_of_the_tests",
    trusted_proxies=1,
)


class Estate:
    """PostgreSQL keeps what it has promised (fsync), and each shopper has an address of their own, as behind nginx."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.postgres, self.redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
        self.postgres.start()
        self.redis.start()
        schema.upgrade(self.postgres.url)
        port = free_port()
        self.courier = Courier(f"http://127.0.0.1:{port}/api/webhooks/stripe", seed)
        self.outside = Running(folder / "sandbox", self.courier.url)
        self.outside.start()
        self.config = replace(
            CONFIG,
            database_url=self.postgres.url,
            redis_url=self.redis.url,
            base_url=f"http://127.0.0.1:{port}",
            stripe_api_base=self.outside.url,
        )
        self.engine = db.connect(self.config.database_url, pool_size=20)
        self.log = folder / "parts.log"
        self.parts = Parts(self.config, self.outside, port, log=self.log)
        self.living: dict[str, subprocess.Popen[bytes]] = {}
        self.died_alone: Counter[str] = Counter()
        self.start(*PARTS)

    def start(self, *names: str) -> None:
        for name in names:
            if name in PARTS:
                self.living[name] = self.parts.start(name, TRUSTED_PROXIES="1")
            else:
                self._server(name).start()

    def kill(self, *names: str) -> None:
        """End all that they consist of without a word."""
        self._tell(names, signal.SIGKILL)
        for name in names:
            if name in PARTS:
                self.living[name].wait()

    def end(self, *names: str) -> None:
        """End them as the supervisor would: the servers on their fast and orderly way."""
        for name in names:
            if name in PARTS:
                end(self._processes(name), (signal.SIGTERM, PATIENCE_S[name]))
                self.living[name].wait()
            else:
                self._server(name).stop()

    def stand_still(self, *names: str) -> None:
        self._tell(names, signal.SIGSTOP)

    def go_on(self, *names: str) -> None:
        self._tell(names, signal.SIGCONT)

    def forget_redis(self) -> None:
        """Redis dies, and comes back remembering nothing."""
        self.kill("redis")
        self.redis.remove()
        self.start("redis")

    def pids(self) -> dict[str, int]:
        """Who works: one that was started again is another."""
        return {name: part.pid for name, part in self.living.items() if part.poll() is None}

    def look_after(self) -> None:
        """Start again whoever has ended without being told to."""
        for name, part in list(self.living.items()):
            if part.poll() is not None:
                self.died_alone[name] += 1
                self.start(name)

    def last_words(self) -> str:
        return tail(self.log, 40)

    def close(self) -> None:
        cleaners: list[Callable[[], object]] = [
            lambda: self.go_on(*SERVERS),
            self.parts.stop,
            self.outside.stop,
            self.courier.stop,
            self._disconnect,
            self.postgres.remove,
            self.redis.remove,
        ]
        for clean in cleaners:
            clean()

    def _disconnect(self) -> None:
        db.release()
        self.engine.dispose()

    def _server(self, name: str) -> EmbeddedPostgres | EmbeddedRedis:
        return self.postgres if name == "postgres" else self.redis

    def _tell(self, names: tuple[str, ...], number: signal.Signals) -> None:
        for name in names:
            for process in self._processes(name):
                process.send(number)

    def _processes(self, name: str) -> list[Process]:
        if name in PARTS:
            leader = self.living[name].pid
            return [process for process in every_process() if process.session == leader]
        if name == "postgres":
            return working_in(self.postgres.data, ("postgres",))
        return working_in(self.redis.data_dir, NAMES)
