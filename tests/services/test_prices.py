"""A price that Stripe does not take is refused where it is set, and found where it stands already."""

from __future__ import annotations

import pytest

from mountify.core.errors.catalogue import BadPrice
from mountify.core.money import Money
from mountify.models.catalogue import ProductStatus
from mountify.services.prices import list_unpayable
from mountify.services.settings import get_shop
from tests.factories import change_settings, make_product, make_shop

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("currency", ["JPY", "UGX"])
def test_a_price_with_cents_is_none_where_there_are_none(currency: str) -> None:
    with pytest.raises(BadPrice, match=rf"^14\.50 is no price in {currency}"):
        make_product(price="14.50", currency=currency)
    with pytest.raises(BadPrice, match=rf"^4\.50 is no price in {currency}"):
        change_settings(shipping_flat=Money.of("4.50"), name="Bracketeer", currency=currency)
    assert get_shop().name != "Bracketeer"
    change_settings(shipping_flat=Money.of("450"), currency=currency)
    make_product(price="1450", currency=currency)
    assert get_shop().shipping_flat == Money.of("450") and list_unpayable(currency) == []


def test_no_price_is_taken_before_its_currency_is_known() -> None:
    with pytest.raises(TypeError):
        change_settings(shipping_flat=Money.of("4.50"))


def test_prices_of_before_are_found_when_the_currency_has_changed() -> None:
    make_shop()
    part = make_product(price="9.50")
    make_product(price="9.00")
    make_product(price="9.50", status=ProductStatus.ARCHIVED)
    assert list_unpayable("USD") == []
    assert list_unpayable("JPY") == ["4.50 for delivery", f"9.50 for M-{part.id:03d}"]
