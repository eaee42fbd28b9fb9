"""The mail service is down, cuts the line, is busy, refuses: the buyer gets the confirmation once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from mountify import db
from mountify.adapters.resend import ResendMailer
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.outside import MailRefused, MailUnavailable
from mountify.embedded.processes import free_port, wait_until
from mountify.models.email import Email, EmailState
from mountify.services import emails
from mountify.services.audit import audit
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.processes.parts import Parts
from tests.running import mountify
from tests.sandbox.support import Running

SENDER = "Mountify <orders@mountify.example>"


@pytest.fixture
def email_id(database: None, payments: FakePayments) -> int:
    """The confirmation of a paid order."""
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(stock=5), 2)
    buyer.buy()
    with transaction() as session:  # the merchant's is a mail like this one
        session.execute(delete(Email).where(Email.kind == "merchant"))
    return the_mail().id


@pytest.fixture
def mailer(sandbox: Running) -> ResendMailer:
    return ResendMailer("re_of_the_tests", SENDER, api_url=sandbox.url, before_call=db.assert_no_connection)


def the_mail() -> Email:
    db.release()
    return db.session.scalars(select(Email)).one()


def fail(sandbox: Running, times: int = 1, **fault: Any) -> None:
    sandbox.order("/_faults", {"service": "resend", "times": times, **fault})


def arrived(sandbox: Running) -> list[list[str]]:
    return [mail["to"] for mail in json.loads(sandbox.get("/mailbox.json").text)]


def tries() -> Iterator[datetime]:
    """Ten minutes of trying, once a minute."""
    return (utcnow() + timedelta(minutes=minutes) for minutes in range(10))


def test_ten_minutes_of_503_and_then_a_cut_line_are_one_mail(
    email_id: int, mailer: ResendMailer, sandbox: Running
) -> None:
    fail(sandbox, 8, status=503)
    fail(sandbox, 1, cut=True)
    moments = tries()
    for _ in range(8):
        with pytest.raises(MailUnavailable):
            emails.deliver(email_id, mailer=mailer, now=next(moments))
        assert arrived(sandbox) == []
    with pytest.raises(MailUnavailable):
        emails.deliver(email_id, mailer=mailer, now=next(moments))
    assert arrived(sandbox) == [["sam@example.com"]] and the_mail().state is EmailState.QUEUED
    for _ in range(2):
        emails.deliver(email_id, mailer=mailer, now=utcnow() + timedelta(minutes=11))
    assert arrived(sandbox) == [["sam@example.com"]]
    assert (the_mail().state, the_mail().attempts) == (EmailState.SENT, 10)


def test_an_answer_that_may_be_another_one_later_is_tried_again(
    email_id: int, mailer: ResendMailer, sandbox: Running
) -> None:
    """409 comes while Resend still works on the first try, of which we have stopped to wait for the answer."""
    for status in (408, 409, 429, 500, 502, 503, 504):
        fail(sandbox, 1, status=status)
        with pytest.raises(MailUnavailable):
            emails.deliver(email_id, mailer=mailer, now=utcnow())
        assert the_mail().state is EmailState.QUEUED, status
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert the_mail().state is EmailState.SENT and arrived(sandbox) == [["sam@example.com"]]


def test_one_key_for_two_letters_is_refused(mailer: ResendMailer, sandbox: Running) -> None:
    letter = {"to": "sam@example.com", "subject": "Order", "html": "<p>One</p>", "text": "One"}
    mailer.send(**letter, idempotency_key="confirmed:1")
    with pytest.raises(MailRefused):
        mailer.send(**{**letter, "text": "Two"}, idempotency_key="confirmed:1")
    assert len(arrived(sandbox)) == 1


@pytest.mark.commits
def test_a_mail_that_was_refused_waits_for_a_person_and_a_command(
    email_id: int, mailer: ResendMailer, sandbox: Running, environment: dict[str, str]
) -> None:
    fail(sandbox, 1, status=422)
    for _ in range(2):
        emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert the_mail().state is EmailState.FAILED and arrived(sandbox) == []
    (violation,) = audit(now=utcnow())
    assert (violation.invariant, violation.repair) == ("I3 sent", f"mountify emails resend {email_id}")
    assert "asked to fail here" in violation.what
    db.release()
    assert mountify(*violation.repair.split()[1:], env=environment).returncode == 0
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert the_mail().state is EmailState.SENT and arrived(sandbox) == [["sam@example.com"]]


@pytest.mark.commits
@pytest.mark.xdist_group("signals")
def test_a_worker_whose_line_was_cut_asks_again_by_itself(email_id: int, config: Config, sandbox: Running) -> None:
    fail(sandbox, 1, cut=True)
    parts = Parts(config, sandbox, free_port())
    try:
        parts.start("worker")
        assert wait_until(lambda: the_mail().state is EmailState.SENT, 90)
    finally:
        parts.stop()
    assert arrived(sandbox) == [["sam@example.com"]] and the_mail().attempts == 2
