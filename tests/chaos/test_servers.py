"""Each server is killed, ended and stopped while a few shoppers buy; every time the books balance."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.embedded.processes import wait_until
from mountify.jobs.worker import STALLED_AFTER_S
from mountify.models.payment import PaymentAttempt

from .errand import session_of
from .estate import PARTS, Estate
from .phone import NOBODY, Answer, Phone, Told
from .run import Result, play, settle
from .shelves import furnish
from .storm import ALL, Storm, Strike, draw

pytestmark = pytest.mark.xdist_group("chaos")
SHOPPERS, WITHIN_S = 4, 240.0
WAYS = ("kill", "end", "stand still")
LONG_S = 11.0  # PostgreSQL gives a statement ten seconds, and a worker is taken for dead when it is silent for ten
PARTS_FALL = [Strike(way, (name,)) for name in PARTS for way in ("kill", "stand still")]
TOLD_TO_END = [Strike("end", (name,)) for name in PARTS]
POSTGRES_FALLS = [
    Strike("kill", ("postgres",)),
    Strike("end", ("postgres",)),
    Strike("stand still", ("postgres", "worker"), LONG_S),
]
REDIS_FALLS = [*(Strike(way, ("redis",)) for way in WAYS), Strike("forget", ("redis",))]


def burst(estate: Estate, name: str, *strikes: Strike) -> Result:
    """Let a few shoppers buy meanwhile, and insist on books that balance. Stripe and Resend are well."""
    result, _ = play(estate, SHOPPERS, list(strikes), name, within_s=WITHIN_S, vendors_fail=False)
    assert not result.off, f"{result}\n{estate.last_words()}"
    return result


def test_web_and_worker_that_are_killed_or_stopped_have_lost_nothing(estate: Estate) -> None:
    burst(estate, "parts", *PARTS_FALL)


def test_web_and_worker_that_are_told_to_end_do_so_between_two_answers(estate: Estate) -> None:
    """Whoever comes meanwhile finds nobody, and neither an error nor half an answer; no job is cut in two (R19)."""
    result = burst(estate, "told-to-end", *TOLD_TO_END)
    assert set(result.answers) <= {NOBODY, 200, 303, 410} and estate.half_done == 0, result


def test_web_and_worker_outlive_a_database_that_dies_ends_or_hangs(estate: Estate) -> None:
    """They and all that they have started are the same processes afterwards: they recover alone (R08)."""
    before = estate.pids()
    burst(estate, "no-postgresql", *POSTGRES_FALLS)
    assert estate.pids() == before


def test_the_shop_sells_while_redis_dies_ends_hangs_and_forgets(estate: Estate) -> None:
    """By the same processes, and nobody is sent away with an error (R09)."""
    before = estate.pids()
    result = burst(estate, "no-redis", *REDIS_FALLS)
    assert estate.pids() == before and set(result.answers) <= {200, 303, 410}, result


def test_each_server_falls_in_each_way() -> None:
    strikes = (*PARTS_FALL, *TOLD_TO_END, *POSTGRES_FALLS, *REDIS_FALLS)
    assert {(name, strike.way) for strike in strikes for name in strike.names} >= set(product(ALL, WAYS))
    assert any("worker" in strike.names and (strike.for_s or 0) > STALLED_AFTER_S for strike in strikes)


def test_what_strikes_an_empty_shop_does_not_count(estate: Estate) -> None:
    storm = Storm(estate, TOLD_TO_END, random.Random("nobody"))
    storm.rage(lambda: 1.0)
    assert storm.off() == ["only 0 of 2 strikes fell among shoppers"]


@pytest.mark.parametrize("kills", [4, 10, 200])
def test_so_many_are_killed_as_were_asked_for_and_each_server_is_among_them(kills: int) -> None:
    drawn = [strike for strike in draw(kills, random.Random("draw")) if strike.way == "kill"]
    assert len(drawn) == kills and {strike.names for strike in drawn} >= {(name,) for name in ALL}


def test_a_web_server_that_is_told_to_end_answers_whom_it_has_begun_to_serve(estate: Estate) -> None:
    """Some stand at the till, and Stripe takes its time (R19)."""
    shelves, name = furnish(SHOPPERS), "at-the-till"
    told = Told(time.monotonic() + WITHIN_S)
    estate.begin()
    phones = [Phone(estate.parts.url, told, random.Random(f"{name} {n}")) for n in range(3)]
    keys = [phone.open_checkout(shelves.scarce[0], 1) for phone in phones]
    slow = {"service": "stripe", "path_prefix": "/v1/checkout/sessions", "method": "POST", "delay_s": 2}
    estate.outside.order("/_faults", {**slow, "times": len(keys)})

    def send(phone: Phone, key: str) -> Answer:
        return phone.ask("/checkout", email="sam@example.com", checkout_key=key)

    with ThreadPoolExecutor(len(phones)) as pool:
        sent = [pool.submit(send, *shopper) for shopper in zip(phones, keys, strict=True)]
        assert wait_until(lambda: asked_of_stripe() == len(keys), WITHIN_S)
        estate.end("web")
        answers = [future.result(WITHIN_S) for future in sent]
    estate.start("web")
    assert [answer.status for answer in answers] == [303] * len(keys)
    assert all("/pay/" in answer.location for answer in answers)
    estate.ledger.sessions += [session_of(answer.location) for answer in answers]
    result = Result()
    settle(estate, told, name, shelves.opening, result)
    assert not result.off, result


def asked_of_stripe() -> int:
    """Count the sessions that were asked for and not answered yet."""
    waiting = select(sa.func.count()).select_from(PaymentAttempt).where(PaymentAttempt.session_id.is_(None))
    try:
        return db.session.scalar(waiting.where(PaymentAttempt.state == "created")) or 0
    finally:
        db.release()
