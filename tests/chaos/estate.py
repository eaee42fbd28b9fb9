"""A whole shop of real processes, servers included, in which anything can be killed, ended or stopped at any moment."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from mountify import db, schema
from mountify.config import Config
from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.embedded.processes import every_process, free_port, tail, wait_until, working_in
from mountify.embedded.redis import NAMES
from tests.processes.forking import STARTS_WITHIN_S, Forked
from tests.processes.parts import ENDS_WITHIN_S, Parts, minds
from tests.processes.visit import jobs
from tests.sandbox.support import SECRET, Running

from .courier import Courier
from .ledger import Ledger

PARTS, SERVERS = ("web", "worker"), ("postgres", "redis")
PATIENCE_S = {"web": 10.0, "worker": 25.0}  # as the supervisor's
LEAVES_WITHIN_S = 5.0  # what a part has started, when it has ended itself
# An orderly end signs off at the queue, which lets go of what was in hand.
CUT_IN_TWO = "status = 'doing' AND worker_id IS NULL"
SWEPT, RESPAWNED = '"event": "swept"', "Unexpected exit from worker"
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
        self.log = folder / "parts.log"
        self.living: dict[str, Forked] = {}
        self.ledger = Ledger()
        self.died_alone: Counter[str] = Counter()
        self.unruly: list[str] = []
        """Who did not end as it should when it was told to."""
        self.half_done = 0
        """Jobs that were under way when a worker had ended: its own, where nobody was killed shortly before."""
        self._read_from = 0
        with ExitStack() as stack:  # whatever fails, what has started by then ends
            self._start_all(folder, seed, stack)
            self._leaving = stack.pop_all()

    def _start_all(self, folder: Path, seed: str, stack: ExitStack) -> None:
        self.postgres, self.redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
        stack.callback(self.postgres.remove)
        stack.callback(self.redis.remove)
        self.postgres.start()
        self.redis.start()
        schema.upgrade(self.postgres.url)
        port = free_port()
        self.courier = Courier(f"http://127.0.0.1:{port}/api/webhooks/stripe", seed)
        stack.callback(self.courier.stop)
        self.outside = Running(folder / "sandbox", self.courier.url)
        stack.callback(lambda: self.outside.process and self.outside.stop())
        self.outside.start()
        self.config = replace(
            CONFIG,
            database_url=self.postgres.url,
            redis_url=self.redis.url,
            base_url=f"http://127.0.0.1:{port}",
            stripe_api_base=self.outside.url,
        )
        self.engine = db.connect(self.config.database_url, pool_size=20)
        stack.callback(self.engine.dispose)
        stack.callback(db.release)
        self.parts = Parts(self.config, self.outside, port, log=self.log)
        stack.callback(self.parts.stop)
        stack.callback(self.go_on, *SERVERS)
        self.start(*PARTS)

    def begin(self) -> None:
        """Forget what was noted of an earlier run."""
        self.died_alone.clear()
        self.unruly.clear()
        self.half_done = 0
        self._read_from = self.log.stat().st_size

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
                self.living[name].wait(ENDS_WITHIN_S)

    def end(self, *names: str) -> None:
        """Tell the first process of each to end, as docker does; the servers on their fast and orderly way."""
        for name in names:
            if name in PARTS:
                self._end_part(name)
            else:
                self._server(name).stop()

    def _end_part(self, name: str) -> None:
        part = self.living[name]
        # Who has not begun yet has nothing to finish: the signal would end it like any other process.
        wait_until(lambda: part.poll() is not None or minds(part, signal.SIGTERM), STARTS_WITHIN_S)
        part.terminate()
        try:
            code = part.wait(PATIENCE_S[name])
        except TimeoutError:
            self.unruly.append(f"the {name} did not end within {PATIENCE_S[name]:.0f} s and had to be killed")
            self.kill(name)
            return
        if code:
            self.unruly.append(f"the {name} ended with {code}")
        if not wait_until(lambda: not self._pids(name), LEAVES_WITHIN_S):
            self.unruly.append(f"the {name} has ended and left somebody behind")
            self._tell((name,), signal.SIGKILL)
        if name == "worker":
            self.half_done += jobs(CUT_IN_TWO)

    def stand_still(self, *names: str) -> None:
        self._tell(names, signal.SIGSTOP)

    def go_on(self, *names: str) -> None:
        self._tell(names, signal.SIGCONT)

    def forget_redis(self) -> None:
        """Redis dies, and comes back remembering nothing."""
        self.kill("redis")
        self.redis.remove()
        self.start("redis")

    def pids(self) -> dict[str, frozenset[int]]:
        """Who works, with all that they have started: one that was started again is another."""
        return {name: self._pids(name) for name in PARTS}

    def _pids(self, name: str) -> frozenset[int]:
        leader = self.living[name].pid
        return frozenset(each.pid for each in every_process() if each.session == leader and each.is_alive)

    def look_after(self) -> None:
        """Start again whoever has ended without being told to."""
        for name, part in list(self.living.items()):
            if part.poll() is not None:
                self.died_alone[name] += 1
                self.start(name)

    def off(self) -> list[str]:
        """What should not have happened to web and worker."""
        off = [f"the {name} died {count} times by itself" for name, count in self.died_alone.items()]
        if count := self._said(RESPAWNED):
            off.append(f"a process of the web server died {count} times by itself")
        if count := self._said(SWEPT):
            off.append(f"the worker swept up {count} times what had lost its job")
        return [*self.unruly, *off]

    def _said(self, words: str) -> int:
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            return log.read().count(words.encode())

    def last_words(self) -> str:
        """Whatever has ended in an exception, and the end."""
        errors = [line for line in self.log.read_text(errors="replace").splitlines() if '"exception": ' in line]
        return "\n".join([*errors[-3:], tail(self.log, 40)])

    def close(self) -> None:
        self._leaving.close()

    def _server(self, name: str) -> EmbeddedPostgres | EmbeddedRedis:
        return self.postgres if name == "postgres" else self.redis

    def _tell(self, names: tuple[str, ...], number: signal.Signals) -> None:
        for name in names:
            if name in PARTS:
                with suppress(ProcessLookupError):  # all of it has ended
                    os.killpg(self.living[name].pid, number)
            elif name == "postgres":  # each of its processes leads a group of its own
                for process in working_in(self.postgres.data, ("postgres",)):
                    process.send(number)
            else:
                for process in working_in(self.redis.data_dir, NAMES):
                    process.send(number)
