"""One server after the other is killed, ended or stopped while a few shoppers buy; each time the books balance."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.embedded.processes import wait_until
from mountify.models.payment import PaymentAttempt

from .estate import Estate
from .phone import HALF, Answer, Phone, Told
from .run import Result, furnish, play
from .storm import Strike

pytestmark = pytest.mark.xdist_group("chaos")
SHOPPERS, WITHIN_S = 12, 240.0


def burst(estate: Estate, name: str, *strikes: tuple[str, str]) -> Result:
    """Let a few shoppers buy meanwhile, and insist on books that balance."""
    result = play(estate, SHOPPERS, [Strike(way, (who,)) for way, who in strikes], name, within_s=WITHIN_S)
    assert not result.off, f"{result}\n{estate.last_words()}"
    return result


def test_postgresql_that_is_killed_and_back_again_has_lost_nothing(estate: Estate) -> None:
    """Web and worker are the same processes afterwards: they recover alone (R08)."""
    before = estate.pids()
    burst(estate, "kill-postgresql", ("kill", "postgres"), ("end", "postgres"), ("kill", "postgres"))
    assert estate.pids() == before


def test_the_shop_sells_while_redis_dies_hangs_and_forgets(estate: Estate) -> None:
    """Nobody is sent away with an error (R09)."""
    before = estate.pids()
    result = burst(estate, "no-redis", ("stand still", "redis"), ("kill", "redis"), ("forget", "redis"))
    assert estate.pids() == before and set(result.answers) <= {200, 303, 410}, result


def test_web_and_worker_that_are_told_to_end_do_so_between_two_answers(estate: Estate) -> None:
    """Whoever comes meanwhile finds nobody, and neither an error nor half an answer (R19)."""
    result = burst(estate, "told-to-end", ("end", "web"), ("end", "worker"), ("end", "web"), ("end", "worker"))
    assert set(result.answers) <= {0, 200, 303, 410} and not result.answers[HALF], result


def test_a_web_server_that_is_told_to_end_answers_whom_it_has_begun_to_serve(estate: Estate) -> None:
    """Some stand at the till, and Stripe takes its time (R19)."""
    scarce, _, _ = furnish(SHOPPERS)
    told = Told(time.monotonic() + WITHIN_S)
    phones = [Phone(estate.parts.url, told, random.Random(n)) for n in range(3)]
    keys = [phone.open_checkout(scarce[0], 1) for phone in phones]
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


def asked_of_stripe() -> int:
    """Count the sessions that were asked for and not answered yet."""
    waiting = select(sa.func.count()).select_from(PaymentAttempt).where(PaymentAttempt.session_id.is_(None))
    try:
        return db.session.scalar(waiting.where(PaymentAttempt.state == "created")) or 0
    finally:
        db.release()
