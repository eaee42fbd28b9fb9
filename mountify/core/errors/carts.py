"""What is refused on the way from a part to its order."""

from __future__ import annotations

from mountify.core.errors import N_, InvalidInput, ShopError


class UnknownProducts(InvalidInput):
    code = "unknown_products"
    message = N_("At least one of these products cannot be had.")


class QuantityOutOfRange(ShopError):
    status = 422
    code = "quantity_out_of_range"
    message = N_("Quantity must be a whole number between %(low)s and %(high)s.")


class NotEnoughStock(ShopError):
    status = 409
    code = "insufficient_stock"
    message = N_("Only %(available)s of %(name)s can be had right now.")

    def __init__(self, *, product_id: int, name: str, available: int) -> None:
        message = N_("%(name)s is sold out.") if available == 0 else None
        super().__init__(message, name=name, available=available)
        self.facts = {"productId": product_id, "available": available}


class CartFull(ShopError):
    status = 409
    code = "cart_full"
    message = N_("A cart holds at most %(products)s different parts.")


class CartTooDear(ShopError):
    status = 409
    code = "cart_total"
    message = N_("A cart cannot total more than %(most)s.")


class CartEmpty(ShopError):
    status = 409
    code = "cart_empty"
    message = N_("Your cart is empty.")


class CartChanged(ShopError):
    status = 409
    code = "cart_changed"
    message = N_("Something in your cart has changed. Please look at it before you pay.")


class NotPayable(ShopError):
    """A price in the cart is one that Stripe does not take: only the merchant can mend that."""

    status = 503
    code = "not_payable"
    message = N_("A price in this cart is wrong, so it cannot be paid. Nothing was charged. Please write to us.")
