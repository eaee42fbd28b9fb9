"""How much there is, and why."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import AnyOf, InputRequired, NumberRange, Optional

from mountify.forms.base import ShopForm, WholeNumber
from mountify.forms.fields import key_field, line
from mountify.services.stock_changes import MOST_ON_HAND, Reason
from mountify.web.deeds import reasons

MOST_LEVEL = 10_000
_WHOLE = _l("Enter a whole number such as 12.")
_RANGE = _l("Enter a whole number between %(min)d and %(max)d.")


class Count(WholeNumber):
    complaint = _WHOLE


class OnHandForm(ShopForm):
    """What was counted, and what was on hand when the form was made."""

    on_hand = Count(validators=[InputRequired(_WHOLE), NumberRange(0, MOST_ON_HAND, _RANGE)])
    expected = Count(validators=[Optional(), NumberRange(0, MOST_ON_HAND, _RANGE)])


class AdjustForm(ShopForm):
    delta = Count(validators=[InputRequired(_WHOLE), NumberRange(-MOST_ON_HAND, MOST_ON_HAND, _RANGE)])
    reason = StringField(validators=[AnyOf(list(Reason), _l("Choose why."))])
    note = line(200, too_long=_l("A note has at most %(max)d characters."))
    key = key_field(Optional())

    @property
    def why(self) -> dict[str, Any]:
        """What stock_changes.adjust() is told beside the number."""
        return {"reason": Reason(self.reason.data), "note": self.note.data or "", "key": self.key.data or None}

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return list(reasons().items())


class LevelForm(ShopForm):
    low_stock_level = Count(validators=[InputRequired(_WHOLE), NumberRange(0, MOST_LEVEL, _RANGE)])
