"""The commands of whoever keeps a shop alive, as they are typed: `mountify audit` names them."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import func, select, text

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.models.attention import AttentionKind, AttentionNote
from mountify.models.catalogue import Inventory
from mountify.models.email import Email, EmailState
from mountify.models.order import OrderItem
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState, WebhookEvent
from mountify.services import attention_notes, disputes, task_runs, webhooks
from mountify.services.attention import MOST_OF_EACH
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of
from tests.factories import make_product
from tests.fakes import FakePayments
from tests.outages.support import Stripe
from tests.sandbox.support import Running

from .office import Office

pytestmark = pytest.mark.commits
NOTHING = "Nothing waits, and nothing was given up.\n"


def paid_order(payments: FakePayments) -> str:
    buyer = Buyer(payments)
    buyer.add(make_product(stock=5), 2)
    return order_of(buyer.buy()).number


def test_an_order_is_shown_with_everything_known_of_it(office: Office, payments: FakePayments) -> None:
    number = paid_order(payments)
    intent = db.session.scalars(select(Payment.payment_intent)).one()
    dispute = payments.dispute(intent, 500, now=utcnow())
    disputes.sync_dispute(dispute, payments=payments, site=SITE, now=utcnow())
    shown = office.run("orders", "show", number)
    for words in (
        f"Order {number}: paid",
        "2 x M-",
        "placed",
        "paid",
        "payment   pi_",
        f"dispute   {dispute}  5.00  needs_response  fraudulent",
        "confirmed  queued",
    ):
        assert words in shown
    assert "There is no order 99999." in office.run("orders", "show", "99999", code=1)


def bought_at(sandbox: Running) -> str:
    """An order that was paid at the payment service the commands talk to."""
    real = Stripe(sandbox)
    buyer = Buyer(real.payments())  # type: ignore[arg-type]
    buyer.add(make_product(stock=5), 2)
    started = buyer.start()
    real.pay(started)
    buyer.sync(buyer.session_of(started))
    return order_of(started).number


def test_money_goes_back_by_command(office: Office, sandbox: Running) -> None:
    number = bought_at(sandbox)
    for wrong in (
        ["--amount", "-5"],
        ["--amount", "five"],
        ["--amount", "٥"],
        ["--amount", "1e1"],
        ["--amount", "99999"],
        ["--payment", "pi_foreign"],
    ):
        told = office.run("orders", "refund", number, *wrong, code=1)
        assert told.startswith("Error: ")
    assert "is not PRODUCT=QUANTITY" in office.run("orders", "refund", number, "--part", "12", code=2)
    product_id = db.session.scalars(select(OrderItem.product_id)).one()
    told = office.run("orders", "refund", number, "--amount", "5.00", "--part", f"{product_id}=1")
    assert told.startswith(f"5.00 of order {number} goes back to its buyer.\n")
    office.run("orders", "refund", number, "--restock")
    shown = office.run("orders", "show", number)
    assert f"Order {number}: refunded" in shown and shown.count("  refund    re_") == 2
    assert db.session.scalars(select(Inventory.on_hand)).one() == 5
    db.release()
    assert "already" in office.run("orders", "refund", number, code=1)
    assert "Every invariant holds." in office.run("audit")


def test_what_the_dashboard_has_sent_back_is_not_sent_again_and_parts_come_back_later(
    office: Office, sandbox: Running
) -> None:
    """Nobody has told the shop yet when it is asked for all of it."""
    number = bought_at(sandbox)
    intent = db.session.scalars(select(Payment.payment_intent)).one()
    product_id = db.session.scalars(select(OrderItem.product_id)).one()
    Stripe(sandbox).client.v1.refunds.create({"payment_intent": intent, "amount": 500})
    assert "goes back to its buyer" in office.run("orders", "refund", number)
    assert f"Order {number}: refunded" in office.run("orders", "show", number)
    assert "Nothing needs attention." in office.run("attention", "list")
    assert "Say which" in office.run("orders", "restock", number, code=2)
    assert "2 can go back" in office.run("orders", "restock", number, "--part", f"{product_id}=3", code=1)
    assert "1 part is on the shelf" in office.run("orders", "restock", number, "--part", f"{product_id}=1")
    assert "1 part is on the shelf" in office.run("orders", "restock", number, "--restock")
    assert db.session.scalars(select(Inventory.on_hand)).one() == 5
    db.release()
    assert "Every invariant holds." in office.run("audit")


def test_a_refund_is_written_down_while_stripe_does_not_answer(
    office: Office, payments: FakePayments, environment: dict[str, str]
) -> None:
    number = paid_order(payments)
    office.environment = environment  # where nobody listens
    assert "It is written down, and tried until Stripe has." in office.run("orders", "refund", number)
    assert "refund    not made yet" in office.run("orders", "show", number)


def test_the_shop_is_compared_with_stripe_by_command(
    office: Office, sandbox: Running, environment: dict[str, str]
) -> None:
    number = bought_at(sandbox)
    assert office.run("reconcile").startswith("1 compared, 0 repaired, 0 left for you.")
    with transaction() as session:
        attempt = session.scalars(select(PaymentAttempt)).one()
        attempt.session_id = "cs_test_of_another_account"
        session.execute(text("UPDATE orders SET paid_session = 'cs_test_of_another_account'"))
    told = office.run("reconcile", "--since", "2d", code=1)
    assert f"MISMATCH: Order {number} is paid here by session cs_test_of_another_account" in told
    assert "1 left for you" in told
    listed = office.run("attention", "list")
    for line in re.findall(r"mountify attention done (\d+)", listed):
        office.run("attention", "done", line)
    assert "0 left for you" in office.run("reconcile")
    for wrong in ("yesterday", "-1h", "5", "99999d"):
        assert "not a span of time" in office.run("reconcile", f"--since={wrong}", code=2)
    office.environment = environment  # where nobody listens
    assert "Stripe does not answer" in office.run("reconcile", code=1)


@pytest.mark.parametrize("group", ["webhooks", "emails", "jobs"])
def test_an_empty_list_says_so(office: Office, group: str) -> None:
    assert office.run(group, "list") == NOTHING


def test_a_mail_that_failed_is_listed_and_sent_again(office: Office, payments: FakePayments) -> None:
    paid_order(payments)
    with transaction() as session:
        email = session.scalars(select(Email).where(Email.kind == "confirmed")).one()
        email.state, email.error, email_id = EmailState.FAILED, "no such address", email.id
    assert f"Next: mountify emails resend {email_id}" in office.run("audit", code=1)
    assert "no such address" in office.run("emails", "list")
    assert "is queued" in office.run("emails", "resend", str(email_id))
    with transaction() as session:
        sent = session.scalars(select(Email).where(Email.kind == "merchant")).one()
        sent.state, sent.sent_at, sent_id = EmailState.SENT, utcnow(), sent.id
    assert office.run("emails", "resend", str(sent_id)) == f"Mail {sent_id} was sent already.\n"
    assert "There is no mail 999999." in office.run("emails", "resend", "999999", code=1)
    assert "Every invariant holds." in office.run("audit")


def test_a_delivery_that_was_given_up_is_listed_replayed_and_dismissed(office: Office) -> None:
    with transaction() as session:
        event = WebhookEvent(
            provider="stripe", event_id="evt_1", type="checkout.session.completed", payload={}, parked_at=utcnow(),
            error="unknown_session", attempts=webhooks.MOST_ATTEMPTS,
        )  # fmt: skip
        session.add(event)
        session.flush()
        event_id = str(event.id)
    assert f"Next: mountify webhooks replay {event_id}" in office.run("audit", code=1)
    assert "given up: unknown_session" in office.run("webhooks", "list")
    assert "is queued" in office.run("webhooks", "replay", event_id)
    assert "waits, 0 attempts" in office.run("webhooks", "list")
    office.run("webhooks", "dismiss", event_id)
    assert office.run("webhooks", "list") == NOTHING


def test_a_dead_job_is_listed_and_queued_again(office: Office, payments: FakePayments) -> None:
    paid_order(payments)
    with transaction() as session:
        session.execute(text("UPDATE procrastinate_jobs SET status = 'failed', attempts = 12"))
        job_id = session.scalar(text("SELECT min(id) FROM procrastinate_jobs"))
    assert f"Next: mountify jobs retry {job_id}" in office.run("audit", code=1)
    listed = office.run("jobs", "list").splitlines()
    assert len(listed) == 2 and "send_email" in listed[0] and "12 attempts" in listed[0]
    for line in listed:
        office.run("jobs", "retry", line.split()[0])
    assert office.run("jobs", "list") == NOTHING
    office.run("jobs", "retry", str(job_id), code=1)


def test_what_needs_attention_is_listed_until_somebody_is_done_with_it(office: Office, payments: FakePayments) -> None:
    assert office.run("attention", "list") == "Nothing needs attention.\n"
    assert json.loads(office.run("attention", "list", "--json")) == {"items": [], "total": 0}
    number = paid_order(payments)
    with transaction() as session:
        payment_id = session.scalars(select(Payment.id)).one()
        failed = Refund(
            payment_id=payment_id,
            reason="x",
            amount=Money.of("5.00"),
            idempotency_key="r-1",
            state=RefundState.FAILED,
            stripe_refund_id="re_1",
        )
        session.add(failed)
        session.flush()
        refund_id = str(failed.id)
        for about in range(MOST_OF_EACH + 2):
            attention_notes.note(session, AttentionKind.MISMATCH, f"{about}", "Look.", now=utcnow())
        note_id = str(session.scalars(select(func.min(AttentionNote.id))).one())
    listed = office.run("attention", "list")
    assert f"refund  order {number}: A refund of 5.00 USD" in listed
    assert f"mismatch  Look.\n  Next: mountify attention done {note_id}\n" in listed
    assert listed.endswith("There are 2 more.\n")
    told = json.loads(office.run("attention", "list", "--json"))
    assert (len(told["items"]), told["total"]) == (MOST_OF_EACH + 1, MOST_OF_EACH + 3)
    assert f"Note {note_id} is done with." in office.run("attention", "done", note_id)
    assert f"Refund {refund_id} is done with." in office.run("attention", "done", "--refund", refund_id)
    assert json.loads(office.run("attention", "list", "--json"))["total"] == MOST_OF_EACH + 1
    no_note = "There is no note 999999. A refund that failed is done with by --refund."
    assert no_note in office.run("attention", "done", "999999", code=1)
    assert "There is no refund 999999 that failed." in office.run("attention", "done", "--refund", "999999", code=1)


def test_a_task_that_has_not_succeeded_for_long_is_named_and_done_by_hand(office: Office) -> None:
    task_runs.begin("sweep", due_by=utcnow() - timedelta(minutes=1))
    with transaction() as session:
        session.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '5 minutes')")
        )
    assert "Next: mountify jobs run sweep" in office.run("audit", code=1)
    assert "Task sweep has been done." in office.run("jobs", "run", "sweep")
    assert "there are sweep, end_overdue" in office.run("jobs", "run", "dance", code=1)
    assert "nothing is done twice" in " ".join(office.run("jobs", "run", "--help").split())
    assert "Every invariant holds." in office.run("audit")
    with transaction() as session:
        session.execute(text("DELETE FROM procrastinate_workers"))


def test_what_is_reserved_is_counted_again(office: Office, payments: FakePayments) -> None:
    buyer = Buyer(payments)
    product = make_product(stock=5)
    buyer.add(product, 2)
    buyer.start()
    with transaction() as session:
        session.execute(text("UPDATE inventory SET reserved = 4"))
    assert f"Next: mountify inventory recount {product.id}" in office.run("audit", code=1)
    assert f"2 of product {product.id} are reserved." in office.run("inventory", "recount", str(product.id))
    office.run("inventory", "recount", "999999", code=1)


def test_what_a_command_changes_shows_at_once(office: Office, redis: Redis) -> None:
    """Pages are kept by the web server, and changed by commands and by the worker as well."""
    product = make_product(stock=5)
    with transaction() as session:
        session.execute(text("UPDATE inventory SET reserved = 4"))
    redis.set("catalogue:version", 1)
    office.run("inventory", "recount", str(product.id))
    assert int(redis.get("catalogue:version")) > 1


def test_an_order_is_asked_about_at_stripe(office: Office, payments: FakePayments) -> None:
    """Its session is nothing the sandbox knows: the order waits for somebody to look at it."""
    buyer = Buyer(payments)
    buyer.add(make_product(stock=5), 2)
    number = order_of(buyer.start()).number
    assert f"Order {number} is pending." in office.run("orders", "sync", number)


@pytest.mark.parametrize(
    "words",
    [
        ("attention", "done"),
        ("attention", "done", "--refund"),
        ("webhooks", "replay"),
        ("webhooks", "dismiss"),
        ("emails", "resend"),
        ("jobs", "retry"),
        ("inventory", "recount"),
    ],
)
def test_a_number_that_no_table_holds_is_refused_in_a_sentence(office: Office, words: tuple[str, ...]) -> None:
    assert "is not in the range" in office.run(*words, str(2**63), code=2)
