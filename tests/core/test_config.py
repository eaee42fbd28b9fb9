"""A wrong configuration stops the start with one sentence that names the variable."""

import pytest

from mountify.config import ConfigError, load

GOOD = {
    "DATABASE_URL": "postgres://user:pass@db.example/mountify",
    "REDIS_URL": "redis://cache.example:6379/0",
    "SECRET_KEY": "fL2mPq8vXw4zRt6yBn1cKs9dHj3gUe5a",
    "STRIPE_SECRET_KEY": "sk_live_51Abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_current_secret, whsec_previous_secret",
    "RESEND_API_KEY": "re_123",
    "BASE_URL": "https://shop.example",
}


def test_a_good_configuration_is_read() -> None:
    config = load(GOOD)
    assert config.database_url == "postgresql+psycopg://user:pass@db.example/mountify"
    assert config.stripe_webhook_secrets == ("whsec_current_secret", "whsec_previous_secret")
    assert config.is_production and config.is_https and config.is_stripe_live
    assert config.checkout_origins == ("https://checkout.stripe.com",)
    assert "sk_live" not in repr(config) and GOOD["SECRET_KEY"] not in repr(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "not a url"),
        ("DATABASE_URL", "mysql://db.example/mountify"),
        ("DATABASE_URL", "postgresql://db.example"),
        ("DATABASE_URL", "postgresql://db.example:notaport/mountify"),
        ("REDIS_URL", "http://cache.example"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "too short"),
        ("SECRET_KEY", "a" * 40),
        ("SECRET_KEY", "please-change-this-secret-before-you-start"),
        ("STRIPE_SECRET_KEY", "pk_live_wrong"),
        ("STRIPE_WEBHOOK_SECRET", ","),
        ("STRIPE_WEBHOOK_SECRET", "short"),
        ("RESEND_API_KEY", ""),
        ("RESEND_API_URL", "ftp://mail.example"),
        ("CLOUDINARY_URL", "https://res.cloudinary.com/mine"),
        ("CLOUDINARY_URL", "cloudinary://key@mine"),
        ("CLOUDINARY_URL", "cloudinary://key:secret@mine?upload_prefix=ftp://elsewhere"),
        ("GOOGLE_CLIENT_ID", "only-half-of-it"),
        ("GOOGLE_CLIENT_SECRET", "only the other half"),
        ("GOOGLE_ISSUER", "accounts.google.com"),
        ("GOOGLE_ISSUER", "http://accounts.google.com"),
        ("GOOGLE_ISSUER", "https://accounts.google.com?x=y"),
        ("BASE_URL", "http://shop.example"),
        ("BASE_URL", "https://shop.example/sub"),
        ("BASE_URL", "https://[bad"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "Shop <orders@>"),
        ("MAIL_FROM", "@shop.example"),
        ("MAIL_FROM", "a@b.example\r\nBcc: x@y.example"),
        ("CURRENCY", "dollars"),
        ("SHOP_TIMEZONE", "Mars/Olympus"),
        ("TRUSTED_PROXIES", "-1"),
        ("BCRYPT_COST", "9"),
        ("BCRYPT_COST", "17"),
        ("BCRYPT_COST", "ten"),
        ("MOUNTIFY_CHECKPOINTS", "127.0.0.1:5000"),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        load({**GOOD, name: value})
    assert str(caught.value).count("\n") == 0
    assert str(caught.value).endswith((".", "?"))


def test_pictures_come_from_where_they_are_uploaded_to() -> None:
    assert load(GOOD).image_origin == ""
    assert load({**GOOD, "CLOUDINARY_URL": "cloudinary://1:s@mine"}).image_origin == "https://res.cloudinary.com"
    played = load({**GOOD, "CLOUDINARY_URL": "cloudinary://1:s@mine?upload_prefix=http://localhost:3001"})
    assert played.image_origin == "http://localhost:3001"


def test_google_is_asked_when_its_client_is_whole() -> None:
    assert load(GOOD).google_client_id is None and load(GOOD).google_origin == ""
    client = {"GOOGLE_CLIENT_ID": "mine.apps.googleusercontent.com", "GOOGLE_CLIENT_SECRET": "GOCSPX-mine"}
    config = load({**GOOD, **client})
    assert (config.google_client_id, config.google_client_secret) == tuple(client.values())
    assert config.google_issuer == config.google_origin == "https://accounts.google.com"
    assert "GOCSPX" not in repr(config)
    played = load({**GOOD, **client, "GOOGLE_ISSUER": "http://localhost:3001/google/"})
    assert (played.google_issuer, played.google_origin) == ("http://localhost:3001/google", "http://localhost:3001")


def test_a_taken_default_is_this_machine() -> None:
    config = load({**GOOD, "BASE_URL": "", "PORT": "4000"})
    assert config.base_url == "http://127.0.0.1:4000"
    assert not config.is_production
