"""A worker that ends, stands still or was away: no job is cut in two, and a shop without a worker says so."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exists, select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.task_run import TaskRun
from mountify.services import task_runs
from tests.databases import out_of_reach
from tests.races.crowd import Observer
from tests.races.pausing import listening
from tests.sandbox.support import Running

from .forking import Forked
from .parts import ENDS_WITHIN_S, Parts
from .visit import PATIENCE_S, Visit, assert_sold_to, jobs, the_order
from .wire import wire_to

pytestmark = [pytest.mark.commits, pytest.mark.xdist_group("signals")]


def status_of(process: Forked) -> dict[str, str]:
    """What the system says of it: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html"""
    return dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())


def has_heard(process: Forked, number: signal.Signals) -> bool:
    """Say whether a signal has been taken by the process it was sent to."""
    return not int(status_of(process)["ShdPnd"], 16) >> (number - 1) & 1


def stands_still(process: Forked) -> bool:
    """Say whether its main thread, which is the one that speaks with the queue, has been stopped."""
    return status_of(process)["State"].split()[0] == "T"


def trouble(parts: Parts) -> str:
    """What /readyz says: "ok", or which part is missing."""
    status, body = parts.answer("/readyz")
    said = str(json.loads(body)["status"]) if body else "silence"
    assert (status == 200) == (said == "ok")
    return said


@pytest.mark.parametrize("point", ["settle.locked", "settle.before_commit", "email.before_send", "email.sent"])
def test_a_worker_that_is_told_to_end_finishes_what_it_has_begun(visit: Visit, parts: Parts, point: str) -> None:
    parts.start("web")
    with listening(point) as (pause, address):
        worker = parts.start("worker", checkpoints_at=address)
        visit.pay(visit.check_out())
        assert pause.is_reached.wait(PATIENCE_S)
        worker.terminate()
        assert wait_until(lambda: has_heard(worker, signal.SIGTERM), PATIENCE_S)
        assert worker.poll() is None and jobs("status = 'doing'") > 0
        pause.is_over.set()
        assert worker.wait(ENDS_WITHIN_S) == 0
    assert jobs("status = 'doing'") == 0 and the_order().status is OrderStatus.PAID
    parts.start("worker")
    assert_sold_to(visit)


def test_a_worker_that_stands_still_is_missed_and_goes_on_where_it_was(visit: Visit, parts: Parts) -> None:
    worker = parts.start("worker")
    parts.start("web")
    assert wait_until(lambda: trouble(parts) == "ok", PATIENCE_S)
    worker.send_signal(signal.SIGSTOP)
    visit.pay(visit.check_out())
    assert wait_until(lambda: trouble(parts) == "worker", PATIENCE_S)
    assert wait_until(lambda: jobs("task_name = 'process_webhook'") == 1, PATIENCE_S)
    assert the_order().status is OrderStatus.PENDING and visit.mails() == []
    worker.send_signal(signal.SIGCONT)
    assert wait_until(lambda: trouble(parts) == "ok", PATIENCE_S)
    assert_sold_to(visit)
    worker.terminate()
    assert worker.wait(ENDS_WITHIN_S) == 0


def test_a_worker_whose_database_has_fallen_silent_is_missed_and_goes_on_where_it_was(
    visit: Visit, parts: Parts, engine: sa.Engine
) -> None:
    """A connection that is half open: nobody hangs up, and nobody says a word."""
    url = engine.url
    parts.start("web")
    with wire_to(url.host or "", url.port or 0) as wire:
        far = url.set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
        worker = parts.start("worker", DATABASE_URL=far)
        assert wait_until(lambda: trouble(parts) == "ok", PATIENCE_S)
        wire.fall_silent()
        visit.pay(visit.check_out())
        assert wait_until(lambda: trouble(parts) == "worker", PATIENCE_S)
        assert the_order().status is OrderStatus.PENDING and visit.mails() == []
        wire.speak()
        assert wait_until(lambda: trouble(parts) == "ok", PATIENCE_S)
        assert_sold_to(visit)
        worker.terminate()
        assert worker.wait(ENDS_WITHIN_S) == 0


@pytest.mark.parametrize("point", ["settle.locked", "email.sent"])
def test_a_job_that_stood_still_and_was_taken_by_another_worker_is_done_once(
    visit: Visit, parts: Parts, point: str
) -> None:
    """Also one that stood with locks in its hands. Who was given up ends by itself, to be started again."""
    parts.start("web")
    with listening(point) as (pause, address):
        worker = parts.start("worker", checkpoints_at=address)
        visit.pay(visit.check_out())
        assert pause.is_reached.wait(PATIENCE_S)
        worker.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: trouble(parts) == "worker", PATIENCE_S)
        parts.start("worker")
        assert_sold_to(visit)
        pause.is_over.set()
        worker.send_signal(signal.SIGCONT)
        assert wait_until(lambda: worker.poll() is not None, PATIENCE_S)
    assert_sold_to(visit)
    assert trouble(parts) == "ok"


def test_a_worker_that_stood_still_while_it_wrote_down_the_end_of_a_job_keeps_no_other_from_working(
    visit: Visit, parts: Parts, engine: sa.Engine, observer: Observer
) -> None:
    """What the queue was told is in force without another word of the one who told it."""
    parts.start("web")
    with listening("settle.locked") as (pause, address):
        worker = parts.start("worker", checkpoints_at=address)
        visit.pay(visit.check_out())
        assert pause.is_reached.wait(PATIENCE_S)
        with engine.begin() as holder:
            holder.execute(sa.text("SELECT FROM procrastinate_jobs WHERE task_name = 'process_webhook' FOR UPDATE"))
            pause.is_over.set()
            assert wait_until(lambda: observer.waiting("procrastinate_finish_job") > 0, PATIENCE_S)
            worker.send_signal(signal.SIGSTOP)
            assert wait_until(lambda: stands_still(worker), PATIENCE_S)
        assert wait_until(lambda: trouble(parts) == "worker", PATIENCE_S)
        parts.start("worker")
        assert wait_until(lambda: trouble(parts) == "ok", PATIENCE_S)
        assert_sold_to(visit)
        worker.send_signal(signal.SIGCONT)
        assert wait_until(lambda: worker.poll() is not None, PATIENCE_S)
    assert_sold_to(visit)
    assert trouble(parts) == "ok"


def test_a_worker_outlives_its_database(
    visit: Visit, config: Config, engine: sa.Engine, outside: Running, tmp_path: Path
) -> None:
    """It begins anew under another name, and does what was queued meanwhile; told to end, it ends as ever."""
    parts = Parts(config, outside, visit.parts.port, log=tmp_path / "log")
    worker = parts.start("worker")
    assert wait_until(lambda: beats() == 1, PATIENCE_S)
    with out_of_reach(engine.url):
        assert wait_until(lambda: worker.poll() is not None or "begins_anew" in parts.log.read_text(), PATIENCE_S)
    assert worker.poll() is None
    parts.start("web")
    visit.pay(visit.check_out())
    assert_sold_to(visit)
    worker.terminate()
    assert worker.wait(ENDS_WITHIN_S) == 0
    parts.stop()


def test_a_worker_that_waits_for_its_database_ends_when_it_is_told(
    visit: Visit, config: Config, engine: sa.Engine, outside: Running, tmp_path: Path
) -> None:
    """By itself, not by the signal: the first process of a container has no other end."""
    parts = Parts(config, outside, visit.parts.port, log=tmp_path / "log")
    with out_of_reach(engine.url):
        worker = parts.start("worker")
        assert wait_until(lambda: "task_run_not_noted" in parts.log.read_text(), PATIENCE_S)
        worker.terminate()
        assert worker.wait(ENDS_WITHIN_S) == 0


LOSES_THE_FIRST_END = """
    CREATE SEQUENCE test_ends;
    CREATE FUNCTION test_lose_an_end() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('test_ends') = 1 THEN RAISE 'no'; END IF;  -- what a sequence has counted is not rolled back
        RETURN OLD;
    END $$;
    CREATE TRIGGER test_lose_an_end BEFORE DELETE ON procrastinate_jobs
        FOR EACH ROW WHEN (OLD.task_name = 'process_webhook') EXECUTE FUNCTION test_lose_an_end();
"""
FORGETS_IT = """
    DROP TRIGGER test_lose_an_end ON procrastinate_jobs;
    DROP FUNCTION test_lose_an_end;
    DROP SEQUENCE test_ends;
"""


def test_a_job_whose_end_could_not_be_written_down_is_taken_again(
    visit: Visit, parts: Parts, engine: sa.Engine
) -> None:
    """It counts as the worker's, and that one lives."""
    with engine.begin() as connection:
        connection.execute(sa.text(LOSES_THE_FIRST_END))
    try:
        parts.start("web")
        parts.start("worker")
        visit.pay(visit.check_out())
        assert_sold_to(visit)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(FORGETS_IT))


def beats() -> int:
    """Count the workers that the queue knows."""
    try:
        return db.session.scalar(sa.text("SELECT count(*) FROM procrastinate_workers")) or 0
    finally:
        db.release()


def test_a_worker_that_starts_after_days_gives_each_task_its_time_anew(parts: Parts) -> None:
    """What was begun before the machine was switched off is not late because of that."""
    task_runs.begin("purge_carts", due_by=utcnow() - timedelta(days=3))

    def is_late() -> bool:
        db.release()
        return bool(db.session.scalar(select(exists().where(TaskRun.due_by < utcnow()))))

    assert is_late()
    parts.start("worker")
    assert wait_until(lambda: not is_late(), PATIENCE_S)
