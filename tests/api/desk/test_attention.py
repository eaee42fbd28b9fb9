"""What needs attention, as JSON for the office alone."""

from __future__ import annotations

import pytest

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.attention import AttentionKind
from mountify.services import attention_notes
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.buyers import order_of
from tests.cast import sign_in
from tests.web import Browser

PATH = "/api/admin/attention"


@pytest.mark.parametrize("name", ["stan", "ada"])
def test_the_office_reads_the_list(browser: Browser, paid: Started, name: str) -> None:
    sign_in(browser, name)
    empty = browser.get(PATH)
    assert (empty.status_code, empty.json) == (200, {"items": [], "total": 0})
    now = utcnow()
    with transaction() as session:
        attention_notes.note(session, AttentionKind.DISPUTE, "du_1", "Answer.", order_id=paid.order_id, now=now)
    answer = browser.get(PATH)
    (item,) = answer.json["items"]
    assert item.pop("command").startswith("mountify attention done ")
    assert item == {
        "kind": "dispute",
        "what": "Answer.",
        "since": now.isoformat(),
        "orderNumber": order_of(paid).number,
    }
    assert answer.json["total"] == 1 and answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(("name", "status"), [(None, 401), ("alice", 403)])
def test_nobody_else_learns_of_it(browser: Browser, paid: Started, name: str | None, status: int) -> None:
    if name:
        sign_in(browser, name)
    with transaction() as session:
        attention_notes.note(session, AttentionKind.DISPUTE, "du_1", "Secret.", now=utcnow())
    db.release()
    answer = browser.get(PATH)
    assert answer.status_code == status and set(answer.json) == {"error"} and "Secret" not in answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
