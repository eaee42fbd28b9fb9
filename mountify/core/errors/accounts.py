"""What is refused to somebody who has, or wants, an account."""

from __future__ import annotations

from mountify.core.errors import N_, InvalidInput, Malformed, ShopError


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


class AccountDisabled(ShopError):
    status = 403
    code = "account_disabled"
    message = N_("This account is closed. Please write to us if it should not be.")


class LastWayIn(ShopError):
    status = 409
    code = "last_way_in"
    message = N_("This is the only way to sign in to your account. Choose a password first.")


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
