"""The Resend adapter, with Resend's own SDK, against the sandbox that is as strict as Resend."""

from __future__ import annotations

import json

import pytest

from mountify.adapters.resend import ResendMailer
from mountify.core.errors.outside import MailRefused, MailUnavailable
from tests.sandbox.support import Running

LETTER = {"to": "sam@example.com", "subject": "Order 10001", "html": "<p>Hello</p>", "text": "Hello"}
SENDER = "Mountify <orders@mountify.example>"


@pytest.fixture
def mailer(sandbox: Running) -> ResendMailer:
    return ResendMailer("re_of_the_tests", SENDER, api_url=sandbox.url)


def test_a_mail_arrives_as_it_was_written(mailer: ResendMailer, sandbox: Running) -> None:
    sent = mailer.send(**LETTER, idempotency_key="confirmed:1")
    (mail,) = json.loads(sandbox.get("/mailbox.json").text)
    assert mail["id"] == sent and mail["to"] == ["sam@example.com"] and mail["from"] == SENDER
    assert (mail["subject"], mail["html"], mail["text"]) == (LETTER["subject"], LETTER["html"], LETTER["text"])


@pytest.mark.parametrize(
    ("name", "shown"), [("Bolt", "Bolt"), ("Bolt & Co, orders", '"Bolt & Co, orders"'), ('Bölt "B"', '"Bölt \\"B\\""')]
)
def test_a_mail_comes_from_who_the_shop_says_at_the_installations_address(
    mailer: ResendMailer, sandbox: Running, name: str, shown: str
) -> None:
    mailer.send(**LETTER, sender_name=name, idempotency_key="confirmed:1")
    (mail,) = json.loads(sandbox.get("/mailbox.json").text)
    assert mail["from"] == f"{shown} <orders@mountify.example>"


def test_the_same_key_sends_one_mail(mailer: ResendMailer, sandbox: Running) -> None:
    first = mailer.send(**LETTER, idempotency_key="confirmed:1")
    assert mailer.send(**LETTER, idempotency_key="confirmed:1") == first
    assert len(json.loads(sandbox.get("/mailbox.json").text)) == 1


def test_what_resend_refuses_is_not_repeated(mailer: ResendMailer) -> None:
    with pytest.raises(MailRefused):
        mailer.send(**{**LETTER, "to": "nobody"}, idempotency_key="confirmed:1")


def test_a_wrong_key_says_nothing_about_the_mail(sandbox: Running) -> None:
    with pytest.raises(MailUnavailable):
        ResendMailer("wrong", SENDER, api_url=sandbox.url).send(**LETTER, idempotency_key="confirmed:1")


def test_a_resend_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(MailUnavailable):
        ResendMailer("re_x", SENDER, api_url="http://127.0.0.1:1").send(**LETTER, idempotency_key="confirmed:1")
