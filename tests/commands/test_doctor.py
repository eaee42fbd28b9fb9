"""What the doctor says, in plain words; and the commands beside it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mountify.core.slugs import part_number
from mountify.models.catalogue import ProductStatus
from tests.factories import make_product, make_shop
from tests.running import ROOT, mountify


def test_every_question_gets_an_answer_and_no_secret(environment: dict[str, str]) -> None:
    told = mountify("doctor", env=environment)
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "ok   configuration",
        "ok   database",
        "ok   redis",
        "WRONG worker",
        "WRONG stripe",
        "WRONG resend",
        "ok   cloudinary",
        "ok   google",
        "WRONG shop",
        "ok   prices",
    ]
    assert "up to date" in lines[1] and "cannot be reached" in lines[4]
    password = environment["DATABASE_URL"].split(":")[2].split("@")[0]
    assert password not in told.stdout and environment["SECRET_KEY"] not in told.stdout


def test_a_database_that_is_not_there_is_one_wrong_line(environment: dict[str, str]) -> None:
    told = mountify("doctor", env={**environment, "DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/none"})
    assert "WRONG database: PostgreSQL at 127.0.0.1:1/none does not answer" in told.stdout
    assert "WRONG prices: nothing can be said" in told.stdout
    assert "secret" not in told.stdout


@pytest.mark.commits
def test_prices_that_the_currency_cannot_express_are_named(environment: dict[str, str], database: None) -> None:
    make_shop()
    parts = [make_product(price="9.50") for _ in range(6)]
    make_product(price="9.00")
    make_product(price="9.50", status=ProductStatus.ARCHIVED)
    for currency in ("JPY", "UGX"):
        told = mountify("doctor", env={**environment, "CURRENCY": currency})
        (line,) = (line for line in told.stdout.splitlines() if " prices: " in line)
        assert line.startswith(f"WRONG prices: {currency} has no such fractions, so nobody can pay 4.50 for delivery, ")
        assert f"9.50 for {part_number(parts[0].id)}, " in line and line.endswith(" and 2 more; set whole prices")


@pytest.mark.parametrize("command", [["doctor"], ["audit"], ["migrate"], ["worker"], ["seed", "--demo"]])
def test_a_wrong_setting_is_one_sentence(environment: dict[str, str], command: list[str]) -> None:
    told = mountify(*command, env={**environment, "SECRET_KEY": "short"})
    assert told.returncode == 1
    (line,) = (told.stdout + told.stderr).splitlines()
    assert "SECRET_KEY must be random and at least 32 characters long." in line


@pytest.mark.parametrize("command", [["doctor"], ["audit"], ["worker"]])
def test_where_nothing_is_set_the_demo_shop_may_be_meant(environment: dict[str, str], command: list[str]) -> None:
    told = mountify(*command, env={name: environment[name] for name in ("PATH", "MOUNTIFY_VAR")})
    assert told.returncode == 1
    (line,) = (told.stdout + told.stderr).splitlines()
    assert "is missing. See .env.example" in line and line.endswith("It does not run; make run starts it.")


def test_the_audit_of_an_empty_shop_is_clean(environment: dict[str, str]) -> None:
    told = mountify("audit", env=environment)
    assert (told.returncode, told.stdout) == (0, "Every invariant holds.\n")


def test_a_web_server_with_a_wrong_setting_says_one_sentence(environment: dict[str, str]) -> None:
    env = {"PATH": os.environ["PATH"], **environment, "DATABASE_URL": "mysql://nowhere"}
    told = subprocess.run(
        [sys.executable, "-c", "import wsgi"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    (line,) = told.stderr.splitlines()
    assert line.startswith("Mountify: DATABASE_URL cannot be read.")
