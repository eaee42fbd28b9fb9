"""What Stripe is asked when a session is to be opened: https://docs.stripe.com/api/checkout/sessions/create"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from mountify.core.errors.carts import NotPayable
from mountify.core.money import Money, to_minor
from mountify.core.site import Site
from mountify.models.order import Order, OrderItem
from mountify.services.orders import link_key
from mountify.services.settings import Shop

log = structlog.get_logger()


def params_for(order: Order, attempt: str, *, shop: Shop, site: Site, expires_at: datetime) -> dict[str, Any]:
    """Say which session an order needs. `attempt` is the key of the request, told to us again with every event.

    Raises NotPayable when the order's currency cannot express one of its prices.
    """
    return {
        "mode": "payment",
        **_told_again(order, attempt, shop),
        "customer_email": order.email,
        "line_items": [_line(item, order.currency) for item in order.items],
        **_delivery(order, shop),
        **_ways_back(order, site),
        "expires_at": int(expires_at.timestamp()),
    }


def _told_again(order: Order, attempt: str, shop: Shop) -> dict[str, Any]:
    """What is ours, for events and for whoever looks at a payment in Stripe's dashboard."""
    order_id = str(order.id)
    return {
        "client_reference_id": order_id,
        "metadata": {"order_id": order_id, "order_number": order.number, "attempt": attempt},
        "payment_intent_data": {
            "metadata": {"order_id": order_id},
            "description": f"{shop.name} {order.number}",
            **({"shipping": _shipping(order, order.shipping_address)} if order.shipping_address else {}),
        },
    }


def _shipping(order: Order, address: dict[str, str]) -> dict[str, Any]:
    """The address that was chosen with the order. Stripe takes no empty text."""
    shipping = {"name": order.shipping_name or order.email, "phone": order.shipping_phone, "address": _filled(address)}
    return _filled(shipping)


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _line(item: OrderItem, currency: str) -> dict[str, Any]:
    price = {**_amount("unit_amount", item.price, currency), "product_data": {"name": item.name}}
    return {"quantity": item.quantity, "price_data": price}


def _delivery(order: Order, shop: Shop) -> dict[str, Any]:
    rate = {
        "type": "fixed_amount",
        "display_name": "Standard delivery",
        "fixed_amount": _amount("amount", order.shipping_total, order.currency),
    }
    asked: dict[str, Any] = {"shipping_options": [{"shipping_rate_data": rate}]}
    if not order.shipping_address:
        asked["shipping_address_collection"] = {"allowed_countries": list(shop.countries)}
    if not order.shipping_phone:
        asked["phone_number_collection"] = {"enabled": True}
    return asked


def _amount(name: str, money: Money, currency: str) -> dict[str, Any]:
    try:
        minor = to_minor(money, currency)
    except ValueError as error:
        log.error("price_not_payable", price=str(money), currency=currency)
        raise NotPayable from error
    return {name: minor, "currency": currency.lower()}


def _ways_back(order: Order, site: Site) -> dict[str, str]:
    """Two addresses of the shop, bound to the order by a key; Stripe writes its session into the first."""
    key = link_key(site.secret, order.id)
    return {
        "success_url": f"{site.base_url}/checkout/success?session_id={{CHECKOUT_SESSION_ID}}&key={key}",
        "cancel_url": f"{site.base_url}/checkout/cancelled?order={order.id}&key={key}",
    }
