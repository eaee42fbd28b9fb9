"""Forms about the cart."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import AnyOf, InputRequired, NumberRange, Optional

from mountify.core.errors.carts import QuantityOutOfRange
from mountify.core.ids import BIGGEST_ID
from mountify.forms.base import ShopForm, WholeNumber
from mountify.models.cart import MOST_OF_ONE

QUANTITY = _l(QuantityOutOfRange.message, low=1, high=MOST_OF_ONE)
QUANTITY_OR_NONE = _l(QuantityOutOfRange.message, low=0, high=MOST_OF_ONE)


class AddItemForm(ShopForm):
    product_id = WholeNumber(validators=[InputRequired(_l("Choose a part.")), NumberRange(1, BIGGEST_ID)])
    # The buttons on the cards of a grid name a part and no quantity: one of it.
    quantity = WholeNumber(default=1, validators=[NumberRange(1, MOST_OF_ONE, QUANTITY)])


class UpdateItemForm(ShopForm):
    quantity = WholeNumber(validators=[InputRequired(QUANTITY_OR_NONE), NumberRange(0, MOST_OF_ONE, QUANTITY_OR_NONE)])
    op = StringField(validators=[Optional(), AnyOf(["inc", "dec"])])

    @property
    def wanted(self) -> int:
        """The quantity after the button that was pressed."""
        step = {"inc": 1, "dec": -1}.get(self.op.data or "", 0)
        return max(0, self.quantity.value + step)


class SetQuantityForm(ShopForm):
    quantity = WholeNumber(validators=[InputRequired(QUANTITY), NumberRange(1, MOST_OF_ONE, QUANTITY)])
