"""What is refused about orders and their parcels."""

from __future__ import annotations

from mountify.core.errors import N_, Malformed, ShopError


class WrongTransition(ShopError):
    status = 409
    code = "wrong_transition"
    message = N_("An order that is %(current)s cannot become %(wanted)s.")


class OtherRoute(ShopError):
    """It is not done by writing a status."""

    status = 409
    code = "other_route"
    message = N_("An order becomes %(wanted)s by %(route)s.")


class NotPending(ShopError):
    status = 409
    code = "not_pending"
    message = N_("Order %(number)s is %(status)s: only one that waits for its payment can be cancelled.")


class UnknownCarrier(Malformed):
    code = "unknown_carrier"
    message = N_("Choose a carrier, or enter its number at 17track.")


class BadTrackingNumber(Malformed):
    code = "bad_tracking_number"


class NotToShip(ShopError):
    status = 409
    code = "not_paid"
    message = N_("Only an order that is paid can be shipped. Order %(number)s is %(status)s.")


class AlreadyShipped(ShopError):
    status = 409
    code = "already_shipped"
    message = N_("Order %(number)s is on its way already, as another parcel. If that number is wrong, correct it.")


class NotShipped(ShopError):
    status = 409
    code = "not_shipped"
    message = N_("Order %(number)s has no parcel on its way: there is no number to correct.")
