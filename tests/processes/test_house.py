"""What a run fills in, and what it leaves to whoever configured it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mountify.config import ConfigError
from mountify.supervisor.house import SANDBOX_GOOGLE, demo_accounts, forget, furnish, recall, remember

REAL = {
    "DATABASE_URL": "postgresql://somewhere/shop",
    "REDIS_URL": "redis://somewhere/0",
    "STRIPE_SECRET_KEY": "sk_test_real",
    "STRIPE_WEBHOOK_SECRET": "whsec_a_real_one_of_stripe",
    "RESEND_API_KEY": "re_real",
}


def test_with_nothing_configured_everything_is_from_the_box(tmp_path: Path) -> None:
    house, told = furnish({"MOUNTIFY_VAR": str(tmp_path), "PORT": "4567", "SANDBOX_PORT": "4568"})
    assert house.needs_postgres and house.needs_redis and house.needs_sandbox
    assert told["STRIPE_API_BASE"] == told["RESEND_API_URL"] == "http://localhost:4568"
    assert told["CLOUDINARY_URL"].endswith("@mountify?upload_prefix=http://localhost:4568")
    assert told["GOOGLE_ISSUER"] == "http://localhost:4568/google"
    assert (told["GOOGLE_CLIENT_ID"], told["GOOGLE_CLIENT_SECRET"]) == SANDBOX_GOOGLE
    again = furnish({"MOUNTIFY_VAR": str(tmp_path), "PORT": "4567", "SANDBOX_PORT": "4568"})[1]
    assert again["SECRET_KEY"] == told["SECRET_KEY"]
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_what_is_configured_replaces_its_part(tmp_path: Path) -> None:
    house, told = furnish({**REAL, "MOUNTIFY_VAR": str(tmp_path)})
    assert not (house.needs_postgres or house.needs_redis or house.needs_sandbox)
    assert {name: told[name] for name in REAL} == REAL
    assert not {"STRIPE_API_BASE", "RESEND_API_URL", "CLOUDINARY_URL", "GOOGLE_CLIENT_ID", "GOOGLE_ISSUER"} & set(told)


def test_a_real_google_is_left_alone(tmp_path: Path) -> None:
    _, told = furnish({"MOUNTIFY_VAR": str(tmp_path), "GOOGLE_CLIENT_ID": "ours", "GOOGLE_CLIENT_SECRET": "secret"})
    assert (told["GOOGLE_CLIENT_ID"], told["GOOGLE_CLIENT_SECRET"]) == ("ours", "secret")
    assert "GOOGLE_ISSUER" not in told


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "RESEND_API_KEY"])
def test_one_vendor_can_be_real_and_the_other_played(tmp_path: Path, name: str) -> None:
    given = {key: value for key, value in REAL.items() if key != name}
    house, told = furnish({**given, "MOUNTIFY_VAR": str(tmp_path)})
    assert house.needs_sandbox
    bases = {"STRIPE_SECRET_KEY": "STRIPE_API_BASE", "RESEND_API_KEY": "RESEND_API_URL"}
    assert {key for key in bases.values() if key in told} == {bases[name]}


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "RESEND_API_KEY", "CLOUDINARY_URL"])
def test_each_vendor_can_be_the_only_real_one(tmp_path: Path, name: str) -> None:
    real = {
        "STRIPE_SECRET_KEY": {name: REAL[name] for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")},
        "RESEND_API_KEY": {"RESEND_API_KEY": REAL["RESEND_API_KEY"]},
        "CLOUDINARY_URL": {"CLOUDINARY_URL": "cloudinary://1:a-real-secret@cloud"},
    }
    house, told = furnish({**real[name], "MOUNTIFY_VAR": str(tmp_path), "PORT": "4567", "SANDBOX_PORT": "4568"})
    assert house.needs_sandbox and {key: told[key] for key in real[name]} == real[name]
    played = {
        "STRIPE_SECRET_KEY": told.get("STRIPE_API_BASE"),
        "RESEND_API_KEY": told.get("RESEND_API_URL"),
        "CLOUDINARY_URL": told["CLOUDINARY_URL"].partition("upload_prefix=")[2] or None,
    }
    assert played.pop(name) is None and set(played.values()) == {"http://localhost:4568"}


def test_a_real_stripe_needs_its_webhook_secret(tmp_path: Path) -> None:
    given = {key: value for key, value in REAL.items() if key != "STRIPE_WEBHOOK_SECRET"}
    with pytest.raises(ConfigError, match="STRIPE_WEBHOOK_SECRET is missing"):
        furnish({**given, "MOUNTIFY_VAR": str(tmp_path)})


def test_commands_by_hand_reach_the_running_shop_and_no_other(tmp_path: Path) -> None:
    environ = {"MOUNTIFY_VAR": str(tmp_path)}
    house, told = furnish(environ)
    assert recall(environ) == {}
    remember(house, {**told, "DATABASE_URL": "postgresql://embedded/shop"})
    assert recall(environ)["DATABASE_URL"] == "postgresql://embedded/shop"
    assert recall({**environ, **REAL}) == {}
    forget(house.var)
    assert recall(environ) == {}


def test_the_demo_passwords_are_drawn_once(tmp_path: Path) -> None:
    house, _ = furnish({"MOUNTIFY_VAR": str(tmp_path)})
    drawn = demo_accounts(house)
    assert len(set(drawn.values())) == 3 and demo_accounts(house) == drawn


def test_a_secret_that_is_new_throws_no_older_one_away(tmp_path: Path) -> None:
    environ = {"MOUNTIFY_VAR": str(tmp_path), "SANDBOX_PORT": "4568"}
    furnish(environ)
    file = tmp_path / "secrets.json"
    drawn = json.loads(file.read_text())
    older = {"SECRET_KEY": drawn["SECRET_KEY"], "STRIPE_SECRET_KEY": drawn["STRIPE_SECRET_KEY"], "OF_ANOTHER_TIME": "x"}
    file.write_text(json.dumps(older))

    house, told = furnish(environ)
    now = json.loads(file.read_text())
    assert {name: now[name] for name in older} == older and set(now) == {*drawn, "OF_ANOTHER_TIME"}
    assert told["STRIPE_SECRET_KEY"] == older["STRIPE_SECRET_KEY"] and "OF_ANOTHER_TIME" not in told
    assert furnish(environ) == (house, told)


def test_only_the_sandbox_hears_the_key_of_its_tracking_account(tmp_path: Path) -> None:
    environ = {"MOUNTIFY_VAR": str(tmp_path)}
    house, told = furnish(environ)
    assert len(house.track17_key) == 32 and house.track17_key not in told.values()
    assert house.track17_key not in repr(house)
    configured, _ = furnish({**environ, "TRACK17_KEY": "OF-THE-REAL-VENDOR"})
    assert configured.track17_key == house.track17_key
