"""An order whose time is over, and everybody who may act on it at that moment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from flask import Flask
from sqlalchemy import select, update

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.payment_session import SessionOutcome
from mountify.models.account import Role, User
from mountify.models.cart import Cart, CartItem
from mountify.models.catalogue import Product
from mountify.models.payment import WebhookEvent
from mountify.services import checkout, payment_sessions, refund_requests, refund_sending, webhooks
from mountify.services.cart_view import cart_of
from mountify.services.checkout import Started
from mountify.services.orders import link_key
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, fill_carts
from tests.factories import new_key
from tests.fakes import FakePayments
from tests.web import Browser

OVERDUE = timedelta(minutes=36)
SETTLERS = ("webhook job", "success page", "reaper", "cancellation", "second session")
ACTIONS = (*SETTLERS, "refund")
_numbers = count(1)


@dataclass(frozen=True)
class Scene:
    """The shopper has put one more part into the cart since the order was made."""

    app: Flask
    buyer: Buyer
    started: Started
    now: datetime

    @classmethod
    def of(cls, app: Flask, payments: FakePayments, part: Product) -> Scene:
        with transaction() as session:
            user = User(email=f"buyer-{next(_numbers)}@example.com", role=Role.CUSTOMER, name="Alice")
            session.add(user)
            session.flush()
            buyer = Buyer(payments, user_id=user.id)
            fill_carts(session, {buyer.owner: [(part, 2)]})
        now = utcnow()
        started = buyer.start(now=now - OVERDUE)
        with transaction() as session:
            mine = CartItem.cart_id.in_(cart_of(buyer.owner).with_only_columns(Cart.id))
            session.execute(update(CartItem).where(mine).values(quantity=3))
        db.release()
        return cls(app, buyer, started, now)

    @property
    def payments(self) -> FakePayments:
        return self.buyer.payments

    @property
    def session_id(self) -> str:
        return self.buyer.session_of(self.started)

    def pay(self) -> None:
        """The shopper presses the button at Stripe, if Stripe still lets her."""
        self.payments.pay_if_open(self.session_id)

    def settle(self) -> None:
        """It was paid, and is known to be."""
        self.pay()
        self.buyer.sync(self.session_id)
        db.release()

    def say(self, outcome: SessionOutcome) -> None:
        """Let Stripe say something else about the session from now on."""
        self.payments.pay(self.session_id, outcome=outcome)

    def act(self, action: str, email: str) -> object:
        match action:
            case "webhook job":
                return self._take_webhook()
            case "success page":
                key = link_key(self.app.config["SECRET_KEY"], self.started.order_id)
                page = Browser(self.app).get(f"/checkout/success?session_id={self.session_id}&key={key}")
                return f"HTTP {page.status_code}"
            case "reaper":
                return payment_sessions.end_overdue(payments=self.payments, site=SITE, now=self.now).done
            case "cancellation":
                return checkout.cancel(self.started.order_id, payments=self.payments, site=SITE, now=self.now)
            case "second session":
                return self.buyer.start(email, new_key(), self.now)
            case "refund":
                refund_id = refund_requests.request(self.started.order_id, Wish(), now=self.now)
                return refund_sending.send(refund_id, payments=self.payments, site=SITE, now=self.now).state
        raise ValueError(action)

    def _take_webhook(self) -> None:
        """One event, however often it is delivered."""
        name = f"evt_{self.session_id}"
        event = {"id": name, "type": "checkout.session.completed", "data": {"object": {"id": self.session_id}}}
        webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=self.payments, now=utcnow())
        event_id = db.session.scalars(select(WebhookEvent.id).where(WebhookEvent.event_id == name)).one()
        webhooks.process(event_id, payments=self.payments, site=SITE, now=self.now)
