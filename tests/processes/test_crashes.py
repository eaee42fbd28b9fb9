"""Killed in the middle, taken up again: what was promised is done, once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.site import Site
from mountify.core.tokens import new_token
from mountify.embedded.processes import wait_until
from mountify.models.email import Email
from mountify.services import carts, checkout, settlement
from mountify.services.cart_view import CartOwner
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.running import ROOT
from tests.sandbox.support import Running

pytestmark = [pytest.mark.commits, pytest.mark.xdist_group("processes")]


class Workers:
    """Worker processes on the database of this test."""

    def __init__(self, config: Config, sandbox: Running) -> None:
        self.env = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "SECRET_KEY": config.secret_key,
            "STRIPE_SECRET_KEY": config.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRET": config.stripe_webhook_secrets[0],
            "STRIPE_API_BASE": sandbox.url,
            "RESEND_API_KEY": "re_of_the_tests",
            "RESEND_API_URL": sandbox.url,
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, **more: str) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "mountify", "worker"],
            cwd=ROOT,
            env={**self.env, **more},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.started.append(worker)
        return worker

    def start_and_kill_at(self, point: str) -> None:
        """Let a worker go on until it says that it has reached a point, then end it as a power cut would."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(60)
            worker = self.start(MOUNTIFY_CHECKPOINTS=f"127.0.0.1:{listener.getsockname()[1]}")
            while True:
                connection, _ = listener.accept()
                with connection:
                    if connection.recv(100).decode().strip() == point:
                        worker.kill()
                        worker.wait()
                        return
                    connection.sendall(b"\n")

    def stop(self) -> None:
        for worker in self.started:
            worker.terminate()
            worker.wait(30)


@pytest.fixture
def workers(config: Config, sandbox: Running) -> Iterator[Workers]:
    workers = Workers(config, sandbox)
    yield workers
    workers.stop()


@pytest.mark.parametrize("point", ["email.before_send", "email.sent"])
def test_a_mail_whose_worker_was_killed_is_sent_once(
    database: None, payments: FakePayments, sandbox: Running, workers: Workers, point: str
) -> None:
    make_shop()
    owner = CartOwner(token=new_token())
    carts.add_item(owner, make_product(stock=9).id, 2, now=utcnow())
    site = Site("http://127.0.0.1:3999", "a secret of the tests")
    started = checkout.start(owner, "sam@example.com", new_key(), payments=payments, site=site, now=utcnow())
    session_id = started.url.rsplit("/", 1)[1]
    payments.pay(session_id)
    settlement.sync_session(session_id, payments=payments, site=site, now=utcnow())
    db.release()
    workers.start_and_kill_at(point)
    workers.start()
    assert wait_until(lambda: states_of_the_mails() == ["sent", "sent"], 90)
    mails = json.loads(sandbox.get("/mailbox.json").text)
    assert sorted(mail["to"] for mail in mails) == [["help@mountify.example"], ["sam@example.com"]]


def states_of_the_mails() -> list[str]:
    try:
        return list(db.session.scalars(select(Email.state)))
    finally:
        db.release()
