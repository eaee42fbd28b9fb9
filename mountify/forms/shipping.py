"""Who carries a parcel, and under which number. Whether a number is the carrier's own is for the service to say."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.fields import BooleanField
from wtforms.validators import DataRequired, Length

from mountify.core.carriers import KNOWN
from mountify.forms.base import ShopForm, no_control_characters, stripped
from mountify.models.order import Order

OTHER = "other"


class ShipForm(ShopForm):
    """`other` is the carrier's number at 17track where `carrier` says that it is another one."""

    carrier = StringField(
        filters=[stripped],
        validators=[
            DataRequired(_l("Choose a carrier.")),
            Length(max=20, message=_l("Choose a carrier.")),
            no_control_characters,
        ],
    )
    other = StringField(filters=[stripped], validators=[Length(max=20, message=_l("Such a number has few digits."))])
    tracking_number = StringField(
        filters=[stripped],
        validators=[
            DataRequired(_l("Enter the tracking number.")),
            Length(max=80, message=_l("A tracking number has at most 50 characters.")),
            no_control_characters,
        ],
    )
    mail = BooleanField(default=True)

    @classmethod
    def of(cls, order: Order) -> ShipForm:
        """What the form of an order begins with: nothing, or the number that may have to be corrected."""
        if order.parcel is None:
            return cls(formdata=None)
        carrier = order.parcel.carrier
        is_known = carrier in KNOWN
        data: dict[str, Any] = {
            "carrier": carrier.code if is_known else OTHER,
            "other": "" if is_known else carrier.code,
            "tracking_number": order.parcel.number,
            "mail": False,
        }
        return cls(formdata=None, data=data)

    @property
    def carriers(self) -> list[tuple[str, str]]:
        return [*((carrier.code, carrier.name) for carrier in KNOWN), (OTHER, _("Another"))]

    @property
    def parcel(self) -> tuple[str, str]:
        """Carrier and number, as they were entered."""
        return self[self.carrier_field].data or "", self.tracking_number.data or ""

    @property
    def carrier_field(self) -> str:
        """The field that says who it is."""
        return "other" if self.carrier.data == OTHER else "carrier"
