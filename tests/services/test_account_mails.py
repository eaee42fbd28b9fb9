"""Mails about an account: stored with the change they tell of, once, and sent by a job."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.models.account import User
from mountify.models.email import Email
from mountify.services.account_mails import queue_about_account
from mountify.transaction import transaction
from tests.cast import make_account
from tests.factories import make_shop
from tests.fakes import FakeMailer


@pytest.fixture
def alice(database: None) -> int:
    make_shop()
    return make_account("alice")


def tell(user_id: int, config: Config, *, key: str = "sign_in_added:1", **values: str) -> None:
    with transaction() as session:
        user = session.get_one(User, user_id)
        values = {"method": "Google", **values}
        queue_about_account("sign_in_added", session, user, key=key, site=config.site, now=utcnow(), **values)


def test_the_owner_of_an_account_is_told_of_a_new_way_to_sign_in(
    alice: int, config: Config, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    tell(alice, config)
    stored = db.session.scalars(select(Email)).one()
    assert (stored.user_id, stored.order_id, stored.kind) == (alice, None, "sign_in_added")
    assert run_jobs() == 1
    (mail,) = mailer.sent.values()
    assert mail["to"] == "alice@example.com"
    assert mail["subject"] == "Google can now sign in to your account at Mountify"
    for part in (mail["html"], mail["text"]):
        assert "alice@example.com can be opened with Google" in part and f"{config.base_url}/settings" in part


def test_a_mail_about_an_account_is_written_once_for_each_key(alice: int, config: Config) -> None:
    for key in ("sign_in_added:1", "sign_in_added:1", "sign_in_added:2"):
        tell(alice, config, key=key)
    assert len(db.session.scalars(select(Email)).all()) == 2


def test_a_mail_about_an_account_goes_away_with_the_change_that_failed(alice: int, config: Config) -> None:
    with pytest.raises(RuntimeError, match="too late"), transaction() as session:
        user = session.get_one(User, alice)
        queue_about_account("sign_in_added", session, user, key="k", site=config.site, now=utcnow(), method="Google")
        raise RuntimeError("too late")
    assert db.session.scalars(select(Email)).all() == []


def test_a_mail_about_an_account_may_go_to_another_address(alice: int, config: Config) -> None:
    tell(alice, config, recipient="old@example.com", method="<i>Google</i>")
    mail = db.session.scalars(select(Email)).one()
    assert mail.recipient == "old@example.com"
    assert "&lt;i&gt;Google&lt;/i&gt;" in mail.html and "<i>Google</i>" in mail.text
