"""The whole shop as its owner starts it: real processes, ended politely and rudely."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.embedded.processes import free_port, wait_until
from mountify.supervisor.children import end_leftovers
from tests.running import ROOT, START_S, Supervisor, mountify

pytestmark = pytest.mark.xdist_group("signals")
Start = Callable[..., Supervisor]


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    var = tmp_path / "var"
    yield var
    Supervisor(var).end()
    end_leftovers(var)
    for server in (EmbeddedPostgres(var / "postgres"), EmbeddedRedis(var / "redis")):
        server.end_leftover()
        server.remove()


@pytest.fixture
def ports() -> dict[str, str]:
    return {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}


@pytest.fixture
def start(var: Path, ports: dict[str, str]) -> Iterator[Start]:
    """Starts the test's shop, as often as it likes; none of them outlives the test, however that ends."""
    started: list[Supervisor] = []

    def start(**settings: str) -> Supervisor:
        started.append(Supervisor(var, **{**ports, **settings}).start())
        return started[-1]

    yield start
    for run in started:
        run.end()
        run.wait()


def read(port: str, path: str, *, key: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    connection.request("POST" if key else "GET", path, headers={"17token": key} if key else {})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_a_shop_sells_from_the_first_start_survives_a_kill_and_ends_whole(
    start: Start, var: Path, ports: dict[str, str]
) -> None:
    first = start().wait_until_ready()
    assert f"Mountify: http://127.0.0.1:{ports['PORT']}" in first.output
    assert f"Sandbox: http://localhost:{ports['SANDBOX_PORT']}" in first.output
    accounts = re.findall(r"^\S+@mountify\.example  \S+$", first.said, re.M)
    assert len(accounts) == 3
    status, page = read(ports["PORT"], "/products")
    assert status == 200 and "36 parts" in page
    assert read(ports["SANDBOX_PORT"], "/mailbox")[0] == 200
    status, page = read(ports["SANDBOX_PORT"], "/google-accounts")
    assert status == 200 and f"http://127.0.0.1:{ports['PORT']}/auth/google/callback" in page
    tracking_key = json.loads((var / "secrets.json").read_text())["TRACK17_KEY"]
    assert read(ports["SANDBOX_PORT"], "/track/v2.2/getquota", key=tracking_key)[0] == 200
    doctor = mountify("doctor", env=first.env)
    assert doctor.returncode == 0, doctor.stdout
    assert len(doctor.stdout.splitlines()) == 10 and "embedded PostgreSQL" in doctor.stdout
    assert oct((var / "demo-accounts.json").stat().st_mode)[-3:] == "600"

    second = start()
    assert second.wait() == 1
    assert f"running already on http://127.0.0.1:{ports['PORT']}" in second.said

    web = int((var / "run" / "web.pid").read_text())
    os.kill(web, signal.SIGKILL)
    assert wait_until(lambda: int((var / "run" / "web.pid").read_text() or 0) != web, 20)

    first.process.kill()
    first.wait()
    left = first.parts()
    assert left, "a killed supervisor leaves its parts behind"

    again = start().wait_until_ready()
    assert "a killed run had left behind" in again.said
    assert not any(process.is_alive for process in left)
    assert re.findall(r"^\S+@mountify\.example  \S+$", again.said, re.M) == accounts
    assert "36 parts" in read(ports["PORT"], "/products")[1]

    assert again.stop() == 0
    assert again.parts() == []


def test_a_taken_port_is_one_clear_sentence(start: Start, ports: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(ports["PORT"])))
        taken.listen()
        run = start()
        assert run.wait() == 1
    assert run.output == [
        f"Mountify: Port {ports['PORT']} is taken by another program; "
        f"choose another one, such as: make run PORT={int(ports['PORT']) + 10}"
    ]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"DATABASE_URL": "mysql://nowhere"}, "DATABASE_URL"),
        ({"REDIS_URL": "nowhere"}, "REDIS_URL"),
        ({"PORT": "many"}, "PORT"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"BASE_URL": "https://shop.example", "SECRET_KEY": "changeme"}, "SECRET_KEY"),
        ({"BASE_URL": "http://shop.example"}, "BASE_URL"),
        ({"STRIPE_SECRET_KEY": "sk_live_1234567890"}, "STRIPE_WEBHOOK_SECRET"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(start: Start, settings: dict[str, str], name: str) -> None:
    run = start(**settings)
    assert run.wait() == 1
    assert len(run.output) == 1 and run.output[0].startswith(f"Mountify: {name} ")
    assert run.parts() == []


def test_the_parts_end_with_the_make_that_started_them(var: Path, ports: dict[str, str]) -> None:
    """Ctrl-C reaches make and the shop; a kill -9 of make reaches only make."""
    starter = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([{sys.executable!r}, '-m', 'mountify', 'up'])"],
        cwd=ROOT,
        env={**Supervisor(var, **ports).env, "MOUNTIFY_MAKE": "1"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    run = Supervisor(var)
    try:
        assert wait_until(lambda: (var / "run" / "web.pid").exists(), START_S)
    finally:
        starter.kill()
        starter.wait()
    assert wait_until(lambda: not run.parts() and not run.is_alive and not (var / "run" / "web.pid").exists(), 60)
