"""The shop with a clock of its own between Stripe and the mail service; what is done in it may die on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import ShopError
from mountify.core.site import Site
from mountify.core.tokens import hash_token, new_token
from mountify.models.account import Role, User
from mountify.services import emails, payment_sessions, reconcile, refund_sending, webhooks
from mountify.services.audit import Violation, audit
from mountify.services.cart_view import CartOwner
from mountify.services.settlement import SUPERSEDED
from mountify.transaction import transaction
from tests.buyers import SITE
from tests.factories import make_product, make_shop, new_key
from tests.model.book import PRICES, Book
from tests.model.crashes import Crashes, Dies, Killed
from tests.model.money_back import MoneyBack
from tests.model.seen import Seen, look
from tests.model.twins import Mood, Post, Stripe
from tests.model.worker import Worker

STOCK = {1: 4, 2: 2, 3: 1}
BUYERS = ("sam@example.com", "kim@example.com", "lee@example.com")
DIED = object()


class Now(TypedDict):
    """What most services want to be told."""

    payments: Stripe
    site: Site
    now: datetime


class World:
    def __init__(self) -> None:
        self.crashes = Crashes()
        self.began = self.now = self.served_until = utcnow()
        self.stripe = Stripe(crashes=self.crashes, now=self.now)
        self.post = Post(crashes=self.crashes, now=self.now)
        self.worker = Worker(
            {
                "process_webhook": lambda event_id: webhooks.process(event_id, **self.stripe_now),
                "send_email": lambda email_id: emails.deliver(email_id, mailer=self.post, now=self.now),
                "send_refund": lambda refund_id: refund_sending.send(refund_id, **self.stripe_now),
                "end_superseded": lambda order_id: payment_sessions.end(order_id, SUPERSEDED, **self.stripe_now),
            }
        )
        self.book = Book(dict(STOCK), {})
        self.money_back = MoneyBack(self.book)
        self.bad_for = {"stripe": 0, "post": 0}  # steps
        make_shop()
        for part, cents in PRICES.items():
            product = make_product(f"Part {part}", price=f"{cents // 100}.{cents % 100:02}", stock=STOCK[part])
            assert product.id == part
        self.owners: dict[str, CartOwner] = {}  # by the names of their carts
        self.accounts: dict[str, str] = {}  # buyer → the cart to be found after signing in
        self.carts: dict[str, str] = {}  # buyer → the cart in use
        self.keys: dict[str, str] = {}
        for buyer in BUYERS:
            self.accounts[buyer] = self._name(CartOwner(user_id=_make_account(buyer)), f"account of {buyer}")
            self.sign_out(buyer)
        db.release()

    def _name(self, owner: CartOwner, name: str) -> str:
        key = str(owner.user_id) if owner.user_id else hash_token(str(owner.token))
        self.owners[name], self.book.names[key], self.book.carts[name] = owner, name, {}
        return name

    def sign_out(self, buyer: str) -> None:
        """A cart of nobody's, and pages that were never sent."""
        self.carts[buyer] = self._name(CartOwner(token=new_token()), f"cart {len(self.owners)} of {buyer}")
        self.keys[buyer] = new_key()

    @property
    def stripe_now(self) -> Now:
        return {"payments": self.stripe, "site": SITE, "now": self.now}

    def pass_time(self, span: timedelta) -> None:
        self.now += span
        self.post.now = self.now
        self.stripe.pass_time(self.now)

    def weather_passes(self) -> None:
        """Nobody is down for ever."""
        for name, twin in (("stripe", self.stripe), ("post", self.post)):
            self.bad_for[name] -= 1
            if self.bad_for[name] < 0:
                twin.mood = Mood.WELL

    def act(self, work: Callable[[], object], dies: Dies = None) -> object:
        """Do something in a process that is killed at a checkpoint, if it comes to that. A refusal is an answer."""
        self.crashes.arm(dies)
        try:
            done = work()
        except Killed:
            done = DIED
        except ShopError as error:
            done = error
        finally:
            victim = self.crashes.disarm()
            db.release()
        assert (done is DIED) == (victim is not None), f"something survived its death at {victim}"
        return done

    def run_due(self) -> None:
        self.worker.run_due(self.now)

    def sweep(self) -> None:
        for service in (webhooks, emails, refund_sending):
            service.requeue_overdue(now=self.now)

    def reap(self) -> None:
        payment_sessions.end_overdue(**self.stripe_now)

    def ask_about_delayed(self) -> None:
        payment_sessions.sync_delayed(**self.stripe_now)

    def reconcile(self, since: datetime | None = None) -> None:
        report = reconcile.reconcile(since=since or self.now - reconcile.REACH, **self.stripe_now)
        self.compare()  # before the shop's own word is heard
        assert not report.mismatches and (report.is_clean or self.stripe.mood is not Mood.WELL), report

    def receive(self, event: dict[str, object]) -> None:
        webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=self.stripe, now=self.now)

    def deliver(self, which: int, dies: Dies = None) -> None:
        """Stripe tells; what is not acknowledged, it tells again another time."""
        event = self.stripe.told[which]
        if self.hear(event, dies):
            self.stripe.told.remove(event)

    def hear(self, event: dict[str, object], dies: Dies = None) -> bool:
        """Receive one delivery, which is never refused; say whether it was acknowledged."""
        done = self.act(lambda: self.receive(event), dies)
        assert done in (None, DIED), f"a webhook was refused: {done!r}"
        if done is None:
            self.book.acknowledged.add(str(event["id"]))
        return done is None

    def compare(self) -> Seen:
        """Let the book follow what the shop has done, and compare the two."""
        seen = look()
        self.book.follow(seen, self.stripe, self.now)
        self.money_back.follow(seen, self.stripe)
        self.book.compare(seen)
        twice = {key: count for key, count in self.post.keys.items() if count > 1}
        assert not twice, f"mails that came twice: {twice}"
        accepted = {mail: self.post.accepted.count(mail) for mail in self.post.accepted}
        assert all(count <= self.book.mails[mail] for mail, count in accepted.items()), (accepted, self.book.mails)
        return seen

    def broken(self, now: datetime) -> list[Violation]:
        try:
            return audit(now=now)
        finally:
            db.release()

    def settle(self) -> None:
        """A quiet time: everybody answers, everything is delivered and worked off; some hours pass with it."""
        self.stripe.mood = self.post.mood = Mood.WELL
        for _ in range(30):
            while self.stripe.told:
                self.deliver(0)
            self.sweep()
            self.reap()
            self.ask_about_delayed()
            self.reconcile(self.began)
            self.run_due()
            db.release()
            if not self.worker.waiting() and not self.stripe.told:
                break
            self.pass_time(timedelta(hours=1))
            self.compare()
        else:
            raise AssertionError("it never comes to an end")
        self.served_until = self.now


def _make_account(email: str) -> int:
    with transaction() as session:
        user = User(email=email, role=Role.CUSTOMER, name="Sam")
        session.add(user)
        session.flush()
        return user.id
