"""What goes wrong when money comes or goes back."""

from __future__ import annotations

from mountify.core.errors import N_, Malformed, ShopError


class PaymentsUnavailable(ShopError):
    status = 503
    code = "payments_unavailable"
    message = N_(
        "We could not reach the payment service. Nothing was charged and your cart is as it was. Please try again."
    )


class PaymentsBusy(PaymentsUnavailable):
    """The payment service still works on an earlier request with the same key: that one's answer will count."""

    code = "payments_busy"


class BadSignature(ShopError):
    code = "bad_signature"
    message = N_("The signature is missing or wrong.")


class PaymentRefused(ShopError):
    """The payment service understood a request and said no; repeating it changes nothing."""

    status = 503
    code = "payment_refused"
    message = N_("The payment service did not accept this order. Nothing was charged and your cart is as it was.")


class UnknownSession(ShopError):
    status = 404
    code = "unknown_session"
    message = N_("We could not find that payment.")


class UnreadableAmount(ShopError):
    """A payment of an amount that the shop's books cannot hold: with fractions of a cent, or too big."""

    status = 409
    code = "unreadable_amount"
    message = N_("A payment for this order is under review: somebody has to look at it.")


class UnknownPayment(ShopError):
    status = 404
    code = "unknown_payment"
    message = N_("We could not find that payment.")


class NothingPaid(ShopError):
    status = 409
    code = "nothing_paid"
    message = N_("Order %(number)s has no payment that could go back.")


class AlreadyRefunded(ShopError):
    status = 409
    code = "already_refunded"
    message = N_("All of this payment has gone back, or is on its way back, already.")


class RefundTooHigh(ShopError):
    status = 409
    code = "refund_too_high"
    message = N_("Of this payment only %(left)s can go back.")


class RefundAsked(ShopError):
    """The form was sent before, with another amount or other parts in it."""

    status = 409
    code = "refund_asked"
    message = N_("This form has been sent already, and %(amount)s goes back. For more, open it anew.")


class BadAmount(Malformed):
    code = "bad_amount"
    message = N_("An amount is a number such as 5.00: more than nothing, with no more decimals than its currency.")


class NotReturnable(ShopError):
    status = 409
    code = "not_returnable"
    message = N_("Of part %(product)s, %(left)s can go back on the shelf.")
