"""Two admins and a sale at one row: everything that was told is so, and nothing is overwritten unseen."""

from __future__ import annotations

import pytest

from mountify.core.clock import utcnow
from mountify.core.errors.catalogue import StockChanged
from mountify.services import stock_changes, stock_table
from mountify.services.audit_log import Actor
from mountify.services.stock_changes import Reason
from tests.buyers import Buyer
from tests.desk import somebody
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments

from .crowd import at_once

pytestmark = pytest.mark.commits


def test_two_admins_and_a_sale_on_one_row(database: None, payments: FakePayments) -> None:
    """Both have seen twenty on hand: one of them wins, unless the sale was first, and the other is told."""
    make_shop()
    ada, stan = somebody("ada"), somebody("stan")
    product, buyer = make_product(stock=20), Buyer(payments)
    buyer.add(product, 3)
    session_id = buyer.session_of(buyer.start())
    payments.pay(session_id)

    def set_to(by: Actor, wanted: int) -> int:
        return stock_changes.set_on_hand(by, product.id, wanted, expected=20, now=utcnow()).on_hand

    done = at_once([lambda: set_to(ada, 40), lambda: set_to(stan, 50), lambda: buyer.sync(session_id)])
    refused = [each for each in done if isinstance(each, StockChanged)]
    by_hand = [move.delta for move in stock_table.list_movements(product.id).items if move.reason == Reason.COUNTED]
    assert len(by_hand) == 2 - len(refused) <= 1 and not isinstance(done[2], Exception), done
    row = stock_table.get_row(product.id)
    assert (row.on_hand, row.reserved) == (20 + sum(by_hand) - 3, 0)


def test_a_hundred_adjustments_are_all_counted(database: None) -> None:
    make_shop()
    ada, product = somebody(), make_product(stock=20)
    at_once(
        [
            lambda delta=delta: stock_changes.adjust(ada, product.id, delta, reason=Reason.RECEIVED, now=utcnow())
            for delta in (1, -1, 2, 3) * 5
        ]
    )
    assert stock_table.get_row(product.id).on_hand == 45 and stock_table.list_movements(product.id).total == 21
