"""One shopper's whole errand, as a seeded die decides: what is wanted, how it is paid, and what else happens."""

from __future__ import annotations

import random
from typing import Any

from tests.processes.pages import checkout_key_of, pay_at_stripe, way_back_of
from tests.sandbox.support import Running

from . import operator
from .ledger import Ledger
from .phone import NOBODY, Answer, Phone, Told
from .shelves import LAST, Shelves

TOO_LATE = "too late"
FATES = {"pays": 62, "in two tabs": 8, "adds more": 6, "by bank debit": 6, TOO_LATE: 6, "leaves": 6, "goes back": 6}
MOST_PAGES = 8  # of the checkout, each with a key of its own; then the shopper has had enough
FAULTS: dict[str, tuple[dict[str, Any], ...]] = {
    "stripe": (
        {"status": 500},
        {"status": 500, "after": True},
        {"cut": True},
        {"status": 429},
        {"status": 409},
    ),
    "resend": ({"status": 503}, {"status": 500, "after": True}, {"cut": True}),
}
FAULTY = {"stripe": 0.4, "resend": 0.15}  # of the visits: about one request in eight
REGRETS = 0.08
IN_A_ROW = (1, 1, 1, 2, 3, 4)


class Errand:
    def __init__(self, name: str, url: str, outside: Running, told: Told, ledger: Ledger) -> None:
        self.name, self.chance = name, random.Random(name)
        self.email = f"{name}@example.com"
        self.outside, self.told, self.ledger = outside, told, ledger
        self.phone = Phone(url, told, self.chance)

    def make(self, shelves: Shelves, fate: str | None = None, *, vendors_fail: bool = True) -> str | None:
        """Buy one or two of a few products; gives the session at Stripe that was reached, if any."""
        fate = fate or self.chance.choices(list(FATES), list(FATES.values()))[0]
        last = shelves.lasts.pop() if fate == TOO_LATE and shelves.lasts else None
        if vendors_fail:
            self._upset_vendors()
        self._fill_cart(shelves, last)
        page = self._check_out()
        if page is None:
            self._take(self.chance.choice(shelves.plenty))
            page = self._check_out()
        if page is None:
            return None
        self.ledger.fates[fate] = self.ledger.fates.get(fate, 0) + 1
        if fate == "adds more":
            self._take(self.chance.choice(shelves.plenty))
            page = self._check_out() or page
        self._act(fate, page, last)
        return session_of(page)

    def _fill_cart(self, shelves: Shelves, last: int | None) -> None:
        if last is not None:
            self._take(last, LAST)
            return
        wanted = {self.chance.choice(shelves.scarce), self.chance.choice([*shelves.scarce, *shelves.plenty])}
        for product_id in wanted if self.chance.random() < 0.4 else list(wanted)[:1]:
            self._take(product_id)

    def _act(self, fate: str, page: str, last: int | None) -> None:
        match fate:
            case "leaves":
                return
            case "goes back":
                self._go_back(page)
            case "by bank debit":
                if self._pay(page, payment_method="bank_debit"):
                    self.ledger.debits.append(session_of(page))
            case "too late":
                self._be_too_late(page, last)
            case "in two tabs":
                self._go_back(page) if self.chance.random() < 0.5 else self._check_out()
                self._pay(page)
            case _:
                self._pay(page)

    def _be_too_late(self, page: str, last: int | None) -> None:
        """An operator gives the parts away, somebody else buys them, and only then the money comes."""
        self.ledger.freed.append(session_of(page))
        self.phone.until(lambda: Answer(200 if operator.free(session_of(page)) else NOBODY))
        if last is not None:
            quicker = Errand(f"quicker-{self.name}", self.phone.url, self.outside, self.told, self.ledger)
            quicker.buy(last, LAST)
        self._pay(page)

    def buy(self, product_id: int, quantity: int) -> None:
        self._take(product_id, quantity)
        if page := self._check_out():
            self._pay(page)

    def _take(self, product_id: int, quantity: int = 0) -> None:
        quantity = quantity or self.chance.choice((1, 1, 2))
        self.phone.insist("/cart/items", product_id=str(product_id), quantity=str(quantity))

    def _check_out(self) -> str | None:
        """Send the page of the checkout, the same one again while nobody answers; None when nothing can be had."""
        for _ in range(MOST_PAGES):
            page = self.phone.insist("/checkout")
            if page.status == 303:  # something is sold out: take what there is
                page = self.phone.insist("/cart/acceptance", of="all")
                if not page.location.endswith("/checkout"):
                    self.ledger.sold_out += 1
                    return None
                continue
            key = checkout_key_of(page.text)
            if key is None:
                self.told.complain(f"a checkout without a key: {page.status}")
                return None
            if where := self._send(key):
                return where
            self.phone.hesitate()
        self.ledger.gave_up += 1
        return None

    def _send(self, key: str) -> str | None:
        """Send one page, twice now and then; both answers lead to the same payment."""
        answer = self.phone.insist("/checkout", email=self.email, checkout_key=key)
        if "/pay/" not in answer.location:
            return None
        self.ledger.sessions.append(session_of(answer.location))
        if self.chance.random() < 0.15:
            again = self.phone.insist("/checkout", email=self.email, checkout_key=key)
            if "/pay/" in again.location and again.location != answer.location:
                self.told.complain(f"one page led to {answer.location} and to {again.location}")
        return answer.location

    def _pay(self, page: str, **changes: str) -> bool:
        """Pay at Stripe, which never fails; then come back, or close the browser."""
        paid = pay_at_stripe(self.outside, page, **changes)
        if paid.status != 303:
            return False
        if self.chance.random() < REGRETS:
            self.ledger.to_refund.append(session_of(page))
        if self.chance.random() < 0.75:
            self._see(page, self.phone.insist(paid.location.removeprefix(self.phone.url)))
        return True

    def _see(self, page: str, shown: Answer) -> None:
        if "Your order is confirmed." in shown.text:
            self.ledger.confirmed.append(session_of(page))

    def _go_back(self, page: str) -> None:
        if link := way_back_of(self.outside.get(page).text):
            self.phone.insist(link.removeprefix(self.phone.url))

    def _upset_vendors(self) -> None:
        for service, share in FAULTY.items():
            if self.chance.random() < share:
                times = self.chance.choice(IN_A_ROW)
                self.outside.order(
                    "/_faults", {"service": service, "times": times, **self.chance.choice(FAULTS[service])}
                )
                self.ledger.faults[service] = self.ledger.faults.get(service, 0) + times


def session_of(page: str) -> str:
    return page.rpartition("/pay/")[2]
