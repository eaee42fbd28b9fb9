"""The form of somebody who has lost the way to an order."""

from __future__ import annotations

from mountify.forms.base import ShopForm
from mountify.forms.fields import email_field


class FindOrderForm(ShopForm):
    email = email_field()
