"""The judge of the chaos sees each promise that a shop may break: one damage each, in books that balance without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from .books import Books, Mail, Order, Refund, Session, Wish

BOUGHT, SOLD_OUT, REGRETTED, PARTLY = "cs_bought", "cs_too_late", "cs_regretted", "cs_partly"
CAP, CUP = 1, 2


def order_of(
    number: int, session_id: str, status: str, refunded: int = 0, lines: dict[int, int] | None = None
) -> Order:
    paid_session = session_id if status in ("paid", "refunded") else None
    return Order(number, status, 2000, refunded, paid_session, frozenset({session_id}), lines or {CAP: 1})


def mails_of(order_id: int) -> list[Mail]:
    told = {"confirmed": f"sam-{order_id}@example.com", "merchant": "help@mountify.example"}
    return [Mail(f"{kind}:{order_id}:1700000000", to, "Your order", f"Order {order_id}") for kind, to in told.items()]


def books() -> Books:
    """One has bought, one came too late and got the money back, two regret: one all of it and one a part."""
    refunds = {
        "re_alone": Refund("pi_2", 2000, "refund-pi_2-sold-out"),
        "re_whole": Refund("pi_3", 2000, "manual-3"),
        "re_part": Refund("pi_4", 100, "manual-4"),
    }
    told = [Mail(f"refunded:{name}:1700000000", "sam@example.com", "Money goes back", name) for name in refunds]
    return Books(
        sessions={
            name: Session(name, f"pi_{number}", 2000, is_paid=True)
            for number, name in enumerate((BOUGHT, SOLD_OUT, REGRETTED, PARTLY), start=1)
        },
        refunds=list(refunds.values()),
        refund_ids=list(refunds),
        mails=[*mails_of(1), *mails_of(3), *mails_of(4), *told],
        orders=[
            order_of(1, BOUGHT, "paid", lines={CAP: 2}),
            order_of(2, SOLD_OUT, "cancelled"),
            order_of(3, REGRETTED, "refunded", 2000, {CAP: 1, CUP: 1}),
            order_of(4, PARTLY, "paid", 100),
        ],
        refund_keys=frozenset(str(refund.key) for refund in refunds.values()),
        events=frozenset({"evt_1", "evt_2"}),
        shelf={CAP: (7, 0), CUP: (5, 0)},
        opening={CAP: 10, CUP: 5},
        sent_to=frozenset({BOUGHT, SOLD_OUT, REGRETTED, PARTLY}),
        confirmed=frozenset({BOUGHT}),
        freed=frozenset({SOLD_OUT}),
        granted={REGRETTED: Wish(2000, comes_back=True), PARTLY: Wish(100, comes_back=False)},
        acknowledged=frozenset({"evt_1"}),
    )


def change_order(books: Books, number: int, **changes: object) -> None:
    books.orders = [replace(each, **changes) if each.id == number else each for each in books.orders]  # type: ignore[arg-type]


def refund_more(books: Books, intent: str, cents: int, key: str | None) -> None:
    """At Stripe, told to the buyer, and followed by the shop: as if it were meant."""
    name = f"re_{len(books.refunds)}"
    books.refunds.append(Refund(intent, cents, key))
    books.refund_ids.append(name)
    books.mails.append(Mail(f"refunded:{name}:1700000000", "sam@example.com", "Money goes back", name))


def loses_an_order(books: Books) -> None:
    del books.orders[0]


def loses_a_payment(books: Books) -> None:
    """The order waits for ever, and the buyer's money is gone."""
    change_order(books, 1, status="expired", paid_session=None)


def sells_what_it_has_not(books: Books) -> None:
    books.shelf = {**books.shelf, CAP: (8, 0)}


def keeps_parts_for_nobody(books: Books) -> None:
    books.shelf = {**books.shelf, CAP: (7, 1)}


def reserves_more_than_there_is(books: Books) -> None:
    books.shelf = {**books.shelf, CUP: (5, 6)}


def puts_nothing_back(books: Books) -> None:
    books.shelf = {**books.shelf, CUP: (4, 0)}


def mails_twice(books: Books) -> None:
    """Under another key, which the mail service cannot see through."""
    first = books.mails[0]
    books.mails.append(replace(first, key=f"{first.key}9"))


def mails_twice_under_one_key(books: Books) -> None:
    books.mails.append(books.mails[0])


def never_confirms(books: Books) -> None:
    del books.mails[0]


def never_tells_the_merchant(books: Books) -> None:
    del books.mails[1]


def never_tells_of_a_refund(books: Books) -> None:
    books.mails.pop()


def confirms_what_is_not_paid(books: Books) -> None:
    books.mails += mails_of(2)


def keeps_the_money(books: Books) -> None:
    """Of whoever came too late: nothing is sold, and nothing goes back."""
    del books.refunds[0], books.refund_ids[0], books.mails[-3]


def forgets_a_wish(books: Books) -> None:
    """The operator was told that the money goes back."""
    change_order(books, 4, refunded=0)
    del books.refunds[2], books.refund_ids[2], books.mails[-1]


def never_grants_a_wish(books: Books) -> None:
    books.not_granted.append(BOUGHT)


def refunds_twice(books: Books) -> None:
    """Under its own key, and written down both times."""
    refund_more(books, "pi_4", 100, "manual-4")
    change_order(books, 4, refunded=200)


def refunds_twice_under_another_key(books: Books) -> None:
    books.refund_keys |= {"manual-5"}
    refund_more(books, "pi_4", 100, "manual-5")
    change_order(books, 4, refunded=200)


def adopts_a_refund_of_nobody(books: Books) -> None:
    """As if it had been made in Stripe's dashboard, where nobody was."""
    refund_more(books, "pi_4", 100, None)
    change_order(books, 4, refunded=200)


def refunds_everybody(books: Books) -> None:
    """Whose parts nobody had taken away: then nothing is sold, and everything balances."""
    books.refund_keys |= {"refund-pi_1-sold-out"}
    refund_more(books, "pi_1", 2000, "refund-pi_1-sold-out")
    change_order(books, 1, status="cancelled", paid_session=None)
    books.mails, books.shelf, books.confirmed = books.mails[2:], {**books.shelf, CAP: (9, 0)}, frozenset()


def sends_back_more_than_was_paid(books: Books) -> None:
    books.refund_keys |= {"manual-5"}
    refund_more(books, "pi_3", 1, "manual-5")


def is_paid_with_another_amount(books: Books) -> None:
    change_order(books, 1, total=2100)


def calls_paid_what_is_not(books: Books) -> None:
    books.sessions = {**books.sessions, BOUGHT: replace(books.sessions[BOUGHT], is_paid=False)}


def loses_a_webhook(books: Books) -> None:
    books.events -= {"evt_1"}


def fails_on_a_webhook(books: Books) -> None:
    books.answers[500] += 1


def sends_to_a_session_of_no_order(books: Books) -> None:
    books.sent_to |= {"cs_lost"}


def leaves_an_order_waiting(books: Books) -> None:
    books.orders.append(order_of(5, "cs_waiting", "pending"))
    books.sessions = {**books.sessions, "cs_waiting": Session("cs_waiting", "None", 2000, is_paid=False)}


DAMAGES: dict[Callable[[Books], None], str] = {
    loses_an_order: "cs_bought: paid 2000, no order has it, and 0 went back",
    loses_a_payment: "cs_bought: paid 2000, no order has it, and 0 went back",
    sells_what_it_has_not: "product 1: 10 at first, 8 left, 4 sold, 1 came back",
    keeps_parts_for_nobody: "product 1: 1 reserved for nobody",
    reserves_more_than_there_is: "product 2: 6 reserved of 5",
    puts_nothing_back: "product 2: 5 at first, 4 left, 1 sold, 1 came back",
    mails_twice: "'Your order' came 2 times to sam-1@example.com",
    mails_twice_under_one_key: "mail confirmed:1:1700000000 came 2 times",
    never_confirms: "mail confirmed:1 never came",
    never_tells_the_merchant: "mail merchant:1 never came",
    never_tells_of_a_refund: "mail refunded:re_part never came",
    confirms_what_is_not_paid: "mail confirmed:2 is about what never was",
    keeps_the_money: "cs_too_late: paid 2000, no order has it, and 0 went back",
    forgets_a_wish: "pi_4: 100 were to be sent back, and 0 were",
    never_grants_a_wish: "cs_bought: its buyer wants the money back, and nobody could give it",
    refunds_twice: "refund manual-4 was made 2 times",
    refunds_twice_under_another_key: "pi_4: 100 were to be sent back, and 200 were",
    adopts_a_refund_of_nobody: "1 refunds at Stripe with the key None, and nobody wrote that down",
    refunds_everybody: "cs_bought: no order has it, and nobody had taken its parts away",
    sends_back_more_than_was_paid: "cs_regretted: 2001 of 2000 went back",
    is_paid_with_another_amount: "cs_bought: order 1 of 2100 was paid with 2000",
    calls_paid_what_is_not: "order 1 is paid by cs_bought, of which Stripe says that it is not paid",
    loses_a_webhook: "webhook evt_1 was acknowledged and is not stored",
    fails_on_a_webhook: "a webhook was answered with 500, 1 times",
    sends_to_a_session_of_no_order: "cs_lost: a shopper was sent there, and no order knows it",
    leaves_an_order_waiting: "order 5 still waits",
}


def test_books_without_a_damage_balance() -> None:
    assert books().compare() == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_broken_promise_is_seen(damage: Callable[[Books], None]) -> None:
    damaged = books()
    damage(damaged)
    assert DAMAGES[damage] in damaged.compare()


def test_refunding_everybody_is_off_by_nothing_else() -> None:
    """Orders, money, shelf and mails agree with each other: only whoever knows that nobody wished for it sees it."""
    damaged = books()
    refunds_everybody(damaged)
    assert damaged.compare() == [DAMAGES[refunds_everybody]]
