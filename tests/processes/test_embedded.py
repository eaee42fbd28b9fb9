"""PostgreSQL and Redis from the box."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.embedded.processes import Process, wait_until

pytestmark = pytest.mark.xdist_group("signals")
ROOT = Path(__file__).parent.parent.parent


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_what_was_committed_survives_a_killed_server(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    try:
        with psycopg.connect(libpq(postgres.start())) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGKILL)
        assert wait_until(lambda: not postgres.is_running, 10)
        with psycopg.connect(libpq(postgres.start())) as connection:
            row = connection.execute("SELECT number FROM kept").fetchone()
        assert row == (7,)
    finally:
        postgres.remove()


def test_redis_keeps_what_it_was_told(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    try:
        with Redis.from_url(redis.start()) as client:
            client.set("kept", "7")
        redis.stop()
        with Redis.from_url(redis.start()) as client:
            assert client.get("kept") == b"7"
    finally:
        redis.remove()


def test_the_next_run_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mountify.embedded import EmbeddedPostgres, EmbeddedRedis\n"
        "p, r = EmbeddedPostgres(Path(sys.argv[1]) / 'postgres'), EmbeddedRedis(Path(sys.argv[1]) / 'redis')\n"
        "p.start(); r.start(); print(p.pid, r.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    left = [Process.find(int(pid)) for pid in killed.stdout.split()]
    assert len(left) == 2 and all(process and process.is_alive for process in left)
    postgres, redis = EmbeddedPostgres(tmp_path / "postgres"), EmbeddedRedis(tmp_path / "redis")
    try:
        postgres.start(), redis.start()
        assert not any(process and process.is_alive for process in left)
    finally:
        postgres.remove()
        redis.remove()
