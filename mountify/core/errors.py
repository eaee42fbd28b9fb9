"""Every refusal is one ShopError: a message id with parameters, translated and shown at the front."""

from __future__ import annotations

from typing import ClassVar


def N_(message: str) -> str:
    """Mark a message for translation without translating it here."""
    return message


class ShopError(Exception):
    """A rule said no. `status` is the HTTP status the fronts answer with, `code` names the rule.

    `facts` are told to the API beside the sentence, `reason` to the log alone.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    message: ClassVar[str] = N_("That did not work.")
    reason: str | None = None

    def __init__(self, message: str | None = None, **params: object) -> None:
        self.facts: dict[str, object] = {}
        self.message_id = message or self.message
        self.params = params
        super().__init__(self.message_id % params if params else self.message_id)


class NotFound(ShopError):
    status = 404
    code = "not_found"
    message = N_("We could not find that.")


class Gone(NotFound):
    status = 410
    code = "gone"
    message = N_("It is out of the catalogue. Others may do the job.")


class InvalidInput(ShopError):
    code = "invalid"
    message = N_("Please check what you entered.")


class Malformed(InvalidInput):
    """What was typed does not have the shape that was asked for: shown beside its field, on the page of the form."""

    status = 422
    code = "bad_form"


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


class BadCredentials(ShopError):
    status = 401
    code = "bad_credentials"
    message = N_("Invalid email or password")


class WeakPassword(Malformed):
    """A password that is not taken: too short, too long, with what cannot be kept, or easy to guess."""

    code = "weak_password"


class WrongPassword(Malformed):
    code = "wrong_password"
    message = N_("That is not the password of this account.")


class NoPassword(ShopError):
    status = 409
    code = "no_password"
    message = N_("This account has no password yet. We can send you a link to choose one.")


class LinkSpent(ShopError):
    """A link from a mail that was used, is too old, is not the newest, or never was one: which of them is not told."""

    code = "link_spent"
    message = N_("This link does not work any more: it was used, is too old, or a newer one was sent.")


class SameEmail(Malformed):
    code = "same_email"
    message = N_("You use this address already.")


class EmailTaken(ShopError):
    status = 409
    code = "email_taken"
    message = N_("There is another account with that address.")


class OrdersOpen(ShopError):
    """An account whose orders still need its address cannot be closed."""

    status = 409
    code = "orders_open"
    message = N_("Order %(number)s is not on its way yet. Please close the account when it is, or write to us.")


class LastAdmin(ShopError):
    status = 409
    code = "last_admin"
    message = N_("This is the only admin's account. Make another one first: mountify accounts create.")


class SignInNeeded(ShopError):
    status = 401
    code = "sign_in_needed"
    message = N_("Please sign in first.")


class ProofNeeded(ShopError):
    """What is asked for cannot be undone: who is signed in must have shown just now who they are."""

    status = 403
    code = "proof_needed"
    message = N_("Please show once more that it is you: sign in again.")


class NotAllowed(ShopError):
    status = 403
    code = "not_allowed"
    message = N_("This is not open to you. If you think it should be, please sign in again.")


class AddressBookFull(ShopError):
    status = 409
    code = "address_book_full"
    message = N_("An address book holds at most %(most)s addresses. Please delete one first.")


class AddressTwice(ShopError):
    status = 409
    code = "address_twice"
    message = N_("Another of your addresses has this street and postal code.")


class UnknownAddress(InvalidInput):
    code = "unknown_address"
    message = N_("Choose one of your addresses, or enter one at payment.")


class CategoryTaken(ShopError):
    """Another category has this name or this slug; `field` says which."""

    status = 409
    code = "category_taken"

    def __init__(self, field: str) -> None:
        is_name = field == "name"
        super().__init__(N_("Another category has this name.") if is_name else N_("Another category has this address."))
        self.field = field
        self.facts = {"fields": {field: [self.message_id]}}


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


class SlugTaken(ShopError):
    status = 409
    code = "slug_taken"
    message = N_("Another product has, or had, this address.")


class UnknownCategory(Malformed):
    code = "unknown_category"
    message = N_("Choose one of the categories.")


class WrongTransition(ShopError):
    status = 409
    code = "wrong_transition"
    message = N_("An order that is %(current)s cannot become %(wanted)s.")


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


class SomeFailed(ShopError):
    """Of many things to do, each alone, some could not be done; which and why is in the log."""

    status = 503
    code = "some_failed"
    message = N_("%(failed)s could not be done, %(done)s have been done. The log says which and why.")


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


class OtherRoute(ShopError):
    """It is not done by writing a status."""

    status = 409
    code = "other_route"
    message = N_("An order becomes %(wanted)s by %(route)s.")


class NotPending(ShopError):
    status = 409
    code = "not_pending"
    message = N_("Order %(number)s is %(status)s: only one that waits for its payment can be cancelled.")


class BadAmount(Malformed):
    code = "bad_amount"
    message = N_("An amount is a number such as 5.00: more than nothing, with no more decimals than its currency.")


class NotSetUp(ShopError):
    """An outside service that this shop has no account at."""

    status = 409
    code = "not_set_up"
    message = N_("This service is not set up.")


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


class NotPayable(ShopError):
    """A price in the cart is one that Stripe does not take: only the merchant can mend that."""

    status = 503
    code = "not_payable"
    message = N_("A price in this cart is wrong, so it cannot be paid. Nothing was charged. Please write to us.")


class NotReturnable(ShopError):
    status = 409
    code = "not_returnable"
    message = N_("Of part %(product)s, %(left)s can go back on the shelf.")


class MailUnavailable(ShopError):
    status = 503
    code = "mail_unavailable"
    message = N_("The mail service did not answer.")


class MailRefused(ShopError):
    status = 503
    code = "mail_refused"
    message = N_("The mail service did not accept this mail.")


class ImagesUnavailable(ShopError):
    status = 503
    code = "images_unavailable"
    message = N_("The image service did not answer. Please try again.")


class ImageRefused(ShopError):
    code = "image_refused"
    message = N_("This file is not a picture the shop can use.")


class NoImageService(ShopError):
    status = 503
    code = "no_image_service"
    message = N_(
        "This shop has no image service yet, so pictures cannot be uploaded. Set CLOUDINARY_URL, and start again."
    )


class NotAPicture(ShopError):
    """By its content, whatever its name says; or more than a picture."""

    status = 415
    code = "not_a_picture"
    message = N_("This is no JPEG, PNG, WebP or AVIF picture, or it is damaged.")


class PictureTooBig(ShopError):
    status = 413
    code = "picture_too_big"
    message = N_("A picture has at most 5 MB.")


class TooManyPixels(ShopError):
    status = 413
    code = "too_many_pixels"
    message = N_("A picture has at most 40 megapixels.")


class TooManyPictures(ShopError):
    status = 409
    code = "too_many_pictures"
    message = N_("A product has at most %(most)s pictures. Please delete one first.")


class PictureInUse(ShopError):
    status = 409
    code = "picture_in_use"
    message = N_("A product or an order still shows this picture.")


class GoogleUnavailable(ShopError):
    status = 503
    code = "google_unavailable"
    message = N_("We could not reach Google. Nothing has changed. Please try again, or sign in with your password.")


class GoogleCancelled(ShopError):
    code = "google_cancelled"
    message = N_("You stopped at Google, so nobody was signed in. Nothing has changed.")


class GoogleAnswerWrong(ShopError):
    """What came back is no proof of who somebody is; the reason is for the log, and told to nobody."""

    code = "google_answer_wrong"
    message = N_("What Google sent could not be trusted, so nobody was signed in. Please begin again.")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class GoogleCodeSpent(ShopError):
    code = "google_code_spent"
    message = N_("This way back from Google has been used or took too long. Please begin again.")


class GoogleSignInLost(ShopError):
    code = "google_sign_in_lost"
    message = N_("This sign-in is over, or was begun in another browser. Please begin again.")


class EmailNotVerified(ShopError):
    status = 403
    code = "email_not_verified"
    message = N_("Google has not verified your email address. Verify it there first, or sign in with a password here.")


class NoEmailAtGoogle(ShopError):
    status = 403
    code = "no_email_at_google"
    message = N_("Google did not tell us an email address, and an account here needs one.")


class AccountDisabled(ShopError):
    status = 403
    code = "account_disabled"
    message = N_("This account is closed. Please write to us if it should not be.")


class AddressTaken(ShopError):
    """Somebody new at Google, with the address of an account here: it is joined after its password only."""

    status = 409
    code = "address_taken"
    message = N_("An account with this address exists. Enter its password to connect Google to it.")


class ConnectedElsewhere(ShopError):
    status = 409
    code = "connected_elsewhere"
    message = N_("This Google account signs in to another account here, so it cannot be connected to yours.")


class OtherGoogleAccount(ShopError):
    """Somebody at Google who does not sign in to the account that is to be proved."""

    status = 403
    code = "other_google_account"
    message = N_("That is another Google account than the one that signs in here. Please choose that one.")


class LastWayIn(ShopError):
    status = 409
    code = "last_way_in"
    message = N_("This is the only way to sign in to your account. Choose a password first.")
