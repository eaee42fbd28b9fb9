"""What goes wrong with outside services, and with a task of many steps."""

from __future__ import annotations

from mountify.core.errors import N_, ShopError


class MailUnavailable(ShopError):
    status = 503
    code = "mail_unavailable"
    message = N_("The mail service did not answer.")


class MailRefused(ShopError):
    status = 503
    code = "mail_refused"
    message = N_("The mail service did not accept this mail.")


class NotSetUp(ShopError):
    """An outside service that this shop has no account at."""

    status = 409
    code = "not_set_up"
    message = N_("This service is not set up.")


class SomeFailed(ShopError):
    """Of many things to do, each alone, some could not be done; which and why is in the log."""

    status = 503
    code = "some_failed"
    message = N_("%(failed)s could not be done, %(done)s have been done. The log says which and why.")
