"""What is refused about products, their stock and their categories."""

from __future__ import annotations

from mountify.core.errors import N_, Malformed, ShopError


class CategoryTaken(ShopError):
    """Another category has this name or this slug; `field` says which."""

    status = 409
    code = "category_taken"

    def __init__(self, field: str) -> None:
        is_name = field == "name"
        super().__init__(N_("Another category has this name.") if is_name else N_("Another category has this address."))
        self.field = field
        self.facts = {"fields": {field: [self.message_id]}}


class SlugTaken(ShopError):
    status = 409
    code = "slug_taken"
    message = N_("Another product has, or had, this address.")


class UnknownCategory(Malformed):
    code = "unknown_category"
    message = N_("Choose one of the categories.")


class BadPrice(Malformed):
    """To be asked of nobody: Stripe does not take it, or nobody could put it into a cart."""

    code = "bad_price"
    message = N_("%(price)s is no price in %(currency)s: more than nothing, at most 999,999.99, in its own fractions.")


class ChangedMeanwhile(ShopError):
    """Somebody else has changed what a form shows since it was drawn."""

    status = 409
    code = "changed_meanwhile"
    message = N_("Somebody else has changed this part meanwhile. Nothing of yours is saved yet.")


class PricesOutOfReach(ShopError):
    """Of prices to be changed together some would be none, so that none is changed."""

    status = 409
    code = "prices_out_of_reach"
    message = N_("Nothing is changed: these would cost nothing, or more than 999,999.99: %(names)s")


class StockElsewhere(ShopError):
    """Stock has a ledger, so it is not changed along with the rest of a product."""

    status = 409
    code = "stock_elsewhere"
    message = N_("Stock is changed at /api/admin/inventory, not here.")


class AlreadyUndone(ShopError):
    status = 409
    code = "already_undone"
    message = N_("These prices have been put back already.")


class StockChanged(ShopError):
    """Somebody, or a sale, has changed what is on hand since it was looked at."""

    status = 409
    code = "stock_changed"
    message = N_("You saw %(seen)s on hand, and now it is %(found)s. Nothing was changed.")

    def __init__(self, *, seen: int, found: int) -> None:
        super().__init__(seen=seen, found=found)
        self.found = found
        self.facts = {"expected": seen, "onHand": found}


class BelowReserved(ShopError):
    status = 409
    code = "below_reserved"

    def __init__(self, *, reserved: int) -> None:
        super().__init__(
            N_("%(reserved)s are reserved by open checkouts, so on hand cannot go below %(reserved)s."),
            reserved=reserved,
        )
        self.facts = {"reserved": reserved}


class NothingOnHand(ShopError):
    """More is taken off the shelf than is there, or more put on it than can be counted."""

    status = 409
    code = "nothing_on_hand"
    message = N_("On hand are %(on_hand)s. It can be from 0 to %(most)s.")
