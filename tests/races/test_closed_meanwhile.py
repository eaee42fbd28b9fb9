"""An account vanishes in the moment in which somebody signs in to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.google_account import GoogleAccount
from mountify.embedded.processes import wait_until
from mountify.models.account import OAuthIdentity, User
from mountify.services import google_sign_in, registration
from mountify.services.passwords import Chosen
from tests.cast import COST, PASSWORD, email_of
from tests.factories import make_shop
from tests.races.crowd import PATIENCE_S, Observer, outcome_of

ALICE = GoogleAccount("https://accounts.google.com", "1", email_of("alice"), True, "Alice")


@pytest.mark.commits
def test_an_account_that_is_cleaned_away_while_google_takes_it_over_is_made_anew(
    database: None, engine: sa.Engine, observer: Observer
) -> None:
    make_shop()
    registration.register(ALICE.email, Chosen(PASSWORD), cost=COST, now=utcnow())
    db.release()
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as cleaner:
            cleaner.execute(sa.delete(User))
            signing_in = pool.submit(outcome_of, lambda: google_sign_in.sign_in(ALICE, now=utcnow()).email)
            assert wait_until(lambda: observer.waiting() == 1, PATIENCE_S)
        assert signing_in.result(PATIENCE_S) == ALICE.email
    assert db.session.scalar(sa.select(sa.func.count()).select_from(OAuthIdentity)) == 1
    db.release()
