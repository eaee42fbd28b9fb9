"""What goes wrong when somebody signs in with Google."""

from __future__ import annotations

from mountify.core.errors import N_, ShopError


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
