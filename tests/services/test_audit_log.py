"""The desk's log: what is in it, and that nobody takes anything out."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import ProgrammingError

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.models.account import Role
from mountify.models.catalogue import Product
from mountify.services import account_closing, accounts, audit_log, staffing
from mountify.services.audit_log import Actor
from mountify.transaction import transaction
from tests.buyers import SITE
from tests.cast import email_of, sign_in
from tests.desk import log_of, somebody
from tests.factories import make_product, make_shop
from tests.web import Browser


@pytest.mark.parametrize("change", ["UPDATE audit_log SET actor_id = 1", "DELETE FROM audit_log", "TRUNCATE audit_log"])
def test_the_database_refuses_to_change_what_was_written(database: None, change: str) -> None:
    with transaction() as session:
        audit_log.record(session, Actor(7, "127.0.0.1"), "done", ("things", 1), now=utcnow())
    with pytest.raises(ProgrammingError, match="only ever added to"), transaction() as session:
        session.execute(sa.text(change))
    assert log_of("things") == [("done", {})]


def test_what_became_different_is_written_down_and_nothing_else(database: None) -> None:
    make_shop()
    product, ada = make_product(price="14.00"), somebody()
    with transaction() as session:
        row = session.get_one(Product, product.id)
        with audit_log.watching(session, ada, "product.changed", row, now=utcnow()):
            row.price, row.name = Money.of("12.00"), row.name
        with audit_log.watching(session, ada, "product.changed", row, now=utcnow()):
            session.flush()
    assert log_of("products") == [("product.changed", {"price": ["14.00", "12.00"]})]
    (entry,) = audit_log.list_about("products", product.id)
    assert (entry.actor, entry.actor_id) == ("Ada", ada.id)


def test_what_is_different_far_into_a_long_text_is_seen(database: None) -> None:
    make_shop()
    product, ada = make_product(detailed_description="x" * 1500 + "A harmless end."), somebody()
    with transaction() as session:
        row = session.get_one(Product, product.id)
        with audit_log.watching(session, ada, "product.changed", row, now=utcnow()):
            row.detailed_description = "x" * 1500 + "Send money elsewhere."
    ((_action, changes),) = log_of("products")
    old, new = changes["detailed_description"]
    assert old.endswith("A harmless end.") and new.endswith("Send money elsewhere.") and len(new) < 100


def test_a_change_that_is_taken_back_is_not_in_the_log(database: None) -> None:
    with pytest.raises(RuntimeError), transaction() as session:
        audit_log.record(session, audit_log.TERMINAL, "done", ("things", 1), now=utcnow())
        raise RuntimeError
    assert log_of("things") == []


def test_the_office_signing_in_is_written_down_and_shoppers_are_not(app: Flask) -> None:
    make_shop()
    for name in ("ada", "stan", "alice"):
        sign_in(Browser(app), name)
    assert [action for action, _ in log_of("users")] == ["signed_in", "signed_in"]


def test_what_the_terminal_does_to_accounts_is_written_down(database: None) -> None:
    make_shop()
    somebody("stan")
    staffing.change_role(email_of("stan"), Role.ADMIN, now=utcnow())
    staffing.disable(email_of("stan"), now=utcnow())
    staffing.enable(email_of("stan"), now=utcnow())
    staffing.sign_out(email_of("stan"), now=utcnow())
    assert log_of("users") == [
        ("account.role_changed", {"role": ["staff", "admin"]}),
        ("account.disabled", {}),
        ("account.enabled", {}),
        ("account.signed_out", {}),
    ]


def test_the_log_outlives_who_is_in_it(database: None) -> None:
    make_shop()
    somebody("ada")
    stan = somebody("stan")
    with transaction() as session:
        audit_log.record(session, stan, "done", ("things", 1), now=utcnow())
    account_closing.close(stan.id or 0, site=SITE, now=utcnow())
    assert accounts.find_by_email(email_of("stan")) is None
    (entry,) = audit_log.list_about("things", 1)
    assert (entry.actor, entry.actor_id) == ("", stan.id)
    db.release()
