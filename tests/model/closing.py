"""What must hold after each step, and at the end, when everything has been told, paid, worked off and looked after."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import text

from mountify import db, queue
from mountify.core.errors.payments import AlreadyRefunded, RefundTooHigh
from mountify.core.money import from_minor
from mountify.core.payment_refund import RefundOutcome
from mountify.core.payment_session import SessionOutcome
from mountify.models.email import Email
from mountify.services import audit_money, audit_work, emails, refund_requests, webhooks
from mountify.services.audit import Violation
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.model.crashes import Dies
from tests.model.money_back import Wish as Wished
from tests.model.world import DIED, World

ARRIVED, HOLDS_ARE_OVER = RefundOutcome.SUCCEEDED, timedelta(hours=2)
# What calls a person because it was tried for so long, or Stripe or a bank said no: a promise waits, none is broken.
FOR_A_PERSON = ("I3 sent", "I8 parked", "I10 dead", "I10 mail", "I10 refund")
# All questions of the audit in one: to plan each anew after each step would take most of the time.
_AT_ONCE = text(
    " UNION ALL ".join(
        f"SELECT '{invariant}' AS invariant, what, repair FROM ({query}) AS violation(what, repair)"
        for invariant, query in (audit_money.CHECKS | audit_work.CHECKS).items()
    )
)


def refund(
    world: World, order_id: int, cents: int | None, comes_back: bool, dies: Dies = None, *, intent: str | None = None
) -> None:
    """An operator asks for a refund: of a sum, or of all that is left, with everything that was sold or without.

    `intent` names a payment that does not pay its order.
    """
    session = next(each for each in world.stripe.sessions.values() if each.order_id == order_id)
    left = world.money_back.left_of(str(session.payment_intent), session.amount_total)
    parts = world.money_back.out_of(order_id) if comes_back else {}
    amount = left if cents is None else cents
    world.money_back.wish = Wished(order_id, amount, parts)
    wish = Wish(None if cents is None else from_minor(cents, "USD"), intent, None if comes_back else {})
    done = world.act(lambda: refund_requests.request(order_id, wish, now=world.now), dies)
    if 0 < amount <= left:
        assert done is DIED or isinstance(done, int), done
    else:
        assert isinstance(done, AlreadyRefunded if left <= 0 else RefundTooHigh), done


def number_of(order_id: int) -> str:
    with transaction() as session:
        return str(session.scalar(text("SELECT number FROM orders WHERE id = :id"), {"id": order_id}))


def assert_kept(world: World) -> None:
    """Ask the audit, about what is due as of the time until which a worker has lived."""
    rows = db.session.execute(_AT_ONCE, {"now": world.served_until}).all()
    db.release()
    broken = [Violation(*row) for row in rows if row[0] not in FOR_A_PERSON]
    assert not [each for each in broken if not _is_excused(each, world)], broken


def _is_excused(violation: Violation, world: World) -> bool:
    """A payment that cannot be kept is with the merchant again where a bank or Stripe said no to its refund."""
    if violation.invariant != "I1":
        return False
    failed = [refund for refund in world.money_back.known.values() if refund.state == "failed"]
    return any(refund.intent in violation.repair for refund in failed if refund.key.startswith("refund-"))


def close(world: World) -> None:
    for session in list(world.stripe.sessions.values()):
        if session.outcome is SessionOutcome.PROCESSING:
            world.stripe.change(session.id, outcome=SessionOutcome.PAID)
    world.stripe.is_slow_to_refund = False
    for intent, mine in world.stripe.refunds.items():
        for each in list(mine.values()):
            if each.outcome is RefundOutcome.PENDING:
                world.stripe.change_refund(intent, each.id, RefundOutcome.SUCCEEDED)
    world.settle()
    for _ in range(4):
        world.pass_time(HOLDS_ARE_OVER)
        world.settle()
        world.compare()
        broken = world.broken(world.now)
        if not broken:
            break
        assert all(each.invariant in FOR_A_PERSON or _is_excused(each, world) for each in broken), broken
        for violation in broken:
            _look_after(violation, world)
    assert not broken, broken
    _assert_the_end(world)


def _look_after(violation: Violation, world: World) -> None:
    """Do what the audit says that a person should begin with."""
    match violation.repair.split()[1:]:
        case "emails", "resend", email_id:
            _send_again(int(email_id), world)
        case "webhooks", "replay", event_id:
            webhooks.replay(int(event_id))
        case "jobs", "retry", job_id:
            with transaction() as session:
                queue.retry(session, int(job_id))
        case "orders", "refund", number, "--payment", intent:
            with transaction() as session:
                order_id = session.scalar(text("SELECT id FROM orders WHERE number = :number"), {"number": number})
            refund(world, order_id, None, False, intent=intent)
            world.compare()
        case unknown:
            raise AssertionError(unknown)
    db.release()


def _send_again(email_id: int, world: World) -> None:
    """A mail whose sending was never confirmed for a day may have arrived: then who sends it again sends it twice."""
    with transaction() as session:
        email = session.get_one(Email, email_id)
        if world.post.keys.pop(email.idempotency_key, 0):
            world.book.mails[email.kind, email.recipient] += 1
    emails.resend(email_id, now=world.now)


def _assert_the_end(world: World) -> None:
    seen, stripe, book = world.compare(), world.stripe, world.book
    assert not [order for order in book.orders.values() if order.status == "pending"]
    for session in stripe.sessions.values():
        if session.outcome is SessionOutcome.PAID:
            intent = str(session.payment_intent)
            order = seen.orders[int(session.order_id or 0)]
            arrived = [each.amount for each in stripe.refunds.get(intent, {}).values() if each.outcome is ARRIVED]
            is_back = sum(arrived) == session.amount_total
            if book.pays[session.id]:
                assert order.paid_session == session.id and (order.status == "refunded" or not is_back), order
            else:
                assert is_back or stripe.is_disputed(intent), (session, stripe.refunds.get(intent))
    came = Counter(world.post.accepted)
    assert came == book.mails, f"of the mails, {book.mails - came} never came, and {came - book.mails} were not due"
    assert seen.disputes == {dispute.id: dispute.status for dispute in stripe.disputes.values()}
    assert not [refund for refund in seen.refunds.values() if refund.state == "created"]
