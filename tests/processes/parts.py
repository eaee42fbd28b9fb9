"""Web server and worker as processes of their own, on the database of a test, and a shopper who comes by HTTP."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TypeVar

from mountify.config import Config
from mountify.core import checkpoints
from mountify.embedded.processes import wait_until
from mountify.supervisor.run import web_command
from tests.running import ROOT
from tests.sandbox.support import SECRET, Running

from .forking import STARTS_WITHIN_S, Forked
from .pages import checkout_key_of

T = TypeVar("T")
ENDS_WITHIN_S = 60.0
ANSWERS_WITHIN_S = 30.0
NO_PROXY = urllib.request.ProxyHandler({})
_OPENER = urllib.request.build_opener(NO_PROXY)


class Parts:
    """What the supervisor would start, in process groups of their own: a signal reaches all that a part consists of."""

    def __init__(self, config: Config, sandbox: Running, port: int, *, log: Path = Path(os.devnull)) -> None:
        self.url, self.port, self.log = f"http://127.0.0.1:{port}", port, log
        self.env = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "SECRET_KEY": config.secret_key,
            "STRIPE_SECRET_KEY": config.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": sandbox.url,
            "RESEND_API_KEY": "re_of_the_tests",
            "RESEND_API_URL": sandbox.url,
            "BASE_URL": self.url,
        }
        self.started: list[Forked] = []

    def start(self, name: str, *, checkpoints_at: str = "", **more: str) -> Forked:
        """Start "web" or "worker". Whoever is named in `checkpoints_at` hears of every point that it reaches."""
        command = ["mountify", "worker"] if name == "worker" else web_command(self.port, threads=4)
        part = self.launch(*command, checkpoints_at=checkpoints_at, **more)
        if name == "web":
            assert wait_until(lambda: self.status("/healthz") == 200, STARTS_WITHIN_S)
        return part

    def launch(self, *module: str, checkpoints_at: str = "", **more: str) -> Forked:
        """Start a Python module with its arguments, as the shop's own."""
        told = {checkpoints.VARIABLE: checkpoints_at} if checkpoints_at else {}
        process = Forked(*module, cwd=ROOT, env={**self.env, **told, **more}, log=self.log)
        self.started.append(process)
        return process

    def status(self, path: str) -> int:
        """The status of a page, 0 while nobody answers."""
        return self.answer(path)[0]

    def answer(self, path: str) -> tuple[int, str]:
        try:
            with _OPENER.open(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (OSError, HTTPException):
            return 0, ""

    def kill(self, part: Forked) -> None:
        """End it as a power cut would."""
        os.killpg(part.pid, signal.SIGKILL)
        part.wait(ENDS_WITHIN_S)

    def stop(self) -> None:
        """Tell all to end, and kill whoever does not. Raises AssertionError then."""
        living = [part for part in self.started if part.poll() is None]
        for part in living:
            os.killpg(part.pid, signal.SIGCONT)
            part.terminate()
        late = [part.args for part in living if not self._ends(part)]
        assert not late, f"these had to be killed: {late}"

    def _ends(self, part: Forked) -> bool:
        try:
            part.wait(ENDS_WITHIN_S)
        except TimeoutError:
            self.kill(part)
            return False
        return True


class Shopper:
    """A browser without script, at most."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener = urllib.request.build_opener(NO_PROXY, urllib.request.HTTPCookieProcessor(CookieJar()), _Stay())

    def get(self, path: str) -> str:
        with self.opener.open(self.url + path, timeout=ANSWERS_WITHIN_S) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **values: str) -> str:
        """Send a form; gives where the answer leads."""
        body = urllib.parse.urlencode(values).encode()
        request = urllib.request.Request(self.url + path, body, {"Sec-Fetch-Site": "same-origin"})
        try:
            self.opener.open(request, timeout=ANSWERS_WITHIN_S).close()
        except urllib.error.HTTPError as answer:
            with answer:
                assert answer.code == 303, answer.code
                return str(answer.headers["Location"])
        raise AssertionError("the form was not answered with 303")

    def open_checkout(self, product_id: int, quantity: int) -> str:
        """Put a part into the cart and open the checkout; gives its key."""
        self.post("/cart/items", product_id=str(product_id), quantity=str(quantity))
        key = checkout_key_of(self.get("/checkout"))
        assert key
        return key


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def minds(process: Forked, number: signal.Signals) -> bool:
    """Say whether a process does something of its own about a signal yet."""
    told = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return bool(int(told["SigCgt"], 16) >> (number - 1) & 1)


def insist(step: Callable[[], T]) -> T:
    """Do what a shopper does whose browser says that the shop does not answer: try again. An error page is an error."""
    done: list[T] = []

    def succeeds() -> bool:
        try:
            done.append(step())
        except urllib.error.HTTPError:
            raise
        except (OSError, HTTPException):
            return False
        return True

    assert wait_until(succeeds, STARTS_WITHIN_S)
    return done[0]
