"""The outbox: every mail once, whatever the mail service does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.outside import MailRefused, MailUnavailable
from mountify.models.email import Email, EmailState
from mountify.services import emails
from mountify.services.audit import audit
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.factories import change_settings, make_product, make_shop
from tests.fakes import FakeMailer, FakePayments


@pytest.fixture
def email_id(database: None, payments: FakePayments) -> int:
    """The confirmation of a paid order."""
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(name='A "<b>bold</b>" stand'), 2)
    buyer.buy()
    with transaction() as session:  # the merchant's is a mail like this one
        session.execute(delete(Email).where(Email.kind == "merchant"))
        session.execute(
            text("DELETE FROM procrastinate_jobs WHERE args->>'email_id' NOT IN (SELECT id::text FROM emails)")
        )
    return db.session.scalars(select(Email.id)).one()


def the_mail() -> Email:
    db.release()
    return db.session.scalars(select(Email)).one()


def jobs() -> int:
    return db.session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'send_email'")) or 0


def test_a_mail_is_sent_once(email_id: int, mailer: FakeMailer, run_jobs: Callable[[], int]) -> None:
    assert run_jobs() == 1
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert mailer.calls == 1
    assert the_mail().state is EmailState.SENT and the_mail().provider_id


def test_mails_come_from_who_the_shop_says_it_is(buyer: Buyer, mailer: FakeMailer, run_jobs: Callable[[], int]) -> None:
    change_settings(sender_name="Bracketeer orders")
    buyer.buy()
    run_jobs()
    assert [mail["sender_name"] for mail in mailer.sent.values()] == ["Bracketeer orders"] * 2


def test_a_mail_says_what_was_bought_and_escapes_it(email_id: int, mailer: FakeMailer) -> None:
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    (mail,) = mailer.sent.values()
    assert "&lt;b&gt;bold&lt;/b&gt;" in mail["html"] and "<b>bold</b>" in mail["text"]
    assert "$32.50" in mail["html"] and "$32.50" in mail["text"]
    assert "\n" not in mail["subject"]


def test_a_mail_waits_while_the_service_is_down_and_goes_out_unchanged(email_id: int, mailer: FakeMailer) -> None:
    mailer.is_down = True
    before = (the_mail().subject, the_mail().html, the_mail().text)
    change_settings(name="Bracketeer", sender_name="Bracketeer orders")
    for _ in range(3):
        with pytest.raises(MailUnavailable):
            emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert the_mail().state is EmailState.QUEUED and the_mail().attempts == 3
    mailer.is_down = False
    emails.deliver(email_id, mailer=mailer, now=utcnow() + timedelta(hours=2))
    (sent,) = mailer.sent.values()
    assert (sent["subject"], sent["html"], sent["text"], sent["sender_name"]) == (*before, "")


def test_a_crash_after_sending_sends_no_second_mail(email_id: int, mailer: FakeMailer) -> None:
    """The service took it, we forgot: the repeat carries the same key."""
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    mail = the_mail()
    mail.state, mail.sent_at = EmailState.QUEUED, None
    db.session.commit()
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert mailer.calls == 2 and len(mailer.sent) == 1


def test_after_23_hours_nothing_is_repeated(email_id: int, mailer: FakeMailer) -> None:
    mailer.is_down = True
    with pytest.raises(MailUnavailable):
        emails.deliver(email_id, mailer=mailer, now=utcnow())
    mailer.is_down = False
    emails.deliver(email_id, mailer=mailer, now=utcnow() + timedelta(hours=23, minutes=1))
    assert the_mail().state is EmailState.FAILED and mailer.sent == {}
    (violation,) = audit(now=utcnow())
    assert (violation.invariant, violation.repair) == ("I3 sent", f"mountify emails resend {email_id}")
    emails.resend(email_id, now=utcnow())
    emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert the_mail().state is EmailState.SENT and len(mailer.sent) == 1


def test_a_refused_mail_is_not_repeated(email_id: int) -> None:
    class Refusing(FakeMailer):
        def send(self, **letter: str) -> str:
            self.calls += 1
            raise MailRefused

    mailer = Refusing()
    for _ in range(2):
        emails.deliver(email_id, mailer=mailer, now=utcnow())
    assert mailer.calls == 1 and the_mail().state is EmailState.FAILED
    emails.resend(email_id, now=utcnow())
    assert [email.id for email in emails.list_unsent()] == [email_id]
    emails.deliver(email_id, mailer=FakeMailer(), now=utcnow())
    emails.resend(email_id, now=utcnow())
    assert emails.list_unsent() == []


@pytest.mark.parametrize("error", [MailRefused, MailUnavailable])
def test_a_mail_that_another_job_has_sent_meanwhile_is_not_called_refused(
    email_id: int, mailer: FakeMailer, error: type[Exception]
) -> None:
    class Overtaken(FakeMailer):
        def send(self, **letter: str) -> str:
            emails.deliver(email_id, mailer=mailer, now=utcnow())
            raise error

    with suppress(MailUnavailable):
        emails.deliver(email_id, mailer=Overtaken(), now=utcnow())
    assert (the_mail().state, the_mail().error, len(mailer.sent)) == (EmailState.SENT, None, 1)


def test_the_sweeper_queues_what_has_lost_its_job_and_nothing_else(email_id: int) -> None:
    later = utcnow() + timedelta(minutes=5)
    assert emails.requeue_overdue(now=later) == 0
    db.session.execute(text("DELETE FROM procrastinate_jobs"))
    db.session.commit()
    assert emails.requeue_overdue(now=utcnow()) == 0
    assert emails.requeue_overdue(now=later) == 1
    assert emails.requeue_overdue(now=later) == 0
    assert jobs() == 1
    assert db.session.scalar(select(func.count()).select_from(Email)) == 1


def test_the_23_hours_begin_with_the_first_try(email_id: int, mailer: FakeMailer) -> None:
    """The worker may have been away for a day."""
    mailer.is_down = True
    late = utcnow() + timedelta(hours=24)
    with pytest.raises(MailUnavailable):
        emails.deliver(email_id, mailer=mailer, now=late)
    assert the_mail().state is EmailState.QUEUED and the_mail().error and the_mail().first_tried_at == late
    mailer.is_down = False
    emails.deliver(email_id, mailer=mailer, now=late + timedelta(hours=1))
    assert the_mail().state is EmailState.SENT and the_mail().error is None


def test_the_23_hours_do_not_begin_anew_with_each_try(email_id: int, mailer: FakeMailer) -> None:
    """The mail service has forgotten the key of the first by then, and that one may have arrived."""
    mailer.is_down, first = True, utcnow()
    for hours in (0, 12, 22):
        with pytest.raises(MailUnavailable):
            emails.deliver(email_id, mailer=mailer, now=first + timedelta(hours=hours))
    mailer.is_down = False
    emails.deliver(email_id, mailer=mailer, now=first + timedelta(hours=24))
    assert the_mail().state is EmailState.FAILED and mailer.sent == {}
    emails.resend(email_id, now=utcnow())
    emails.deliver(email_id, mailer=mailer, now=utcnow())


def test_a_mail_that_waits_is_tried_at_once_under_the_key_it_has(email_id: int, mailer: FakeMailer) -> None:
    before = the_mail().created_at
    emails.resend(email_id, now=utcnow() + timedelta(hours=1))
    assert the_mail().created_at == before and jobs() == 2
