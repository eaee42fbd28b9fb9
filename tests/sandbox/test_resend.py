"""Resend's own SDK passes and fails where it must; the mailbox shows what was sent."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import resend
from resend.exceptions import MissingRequiredFieldsError, ResendError

from .support import Running


@pytest.fixture
def mailer(sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(resend, "api_url", sandbox.url)
    monkeypatch.setattr(resend, "api_key", "re_of_the_tests")
    yield sandbox


def mail(**changes: Any) -> Any:
    """Return an ordinary e-mail."""
    message = {
        "from": "Mountify <orders@mountify.example>",
        "to": ["ann@example.org"],
        "subject": "Your order M-7",
        "html": "<p>Thank you, <b>Ann</b></p>",
        "text": "Thank you, Ann",
        "headers": {"X-Order": "7"},
        "tags": [{"name": "kind", "value": "order"}],
    }
    message.update(changes)
    return {name: value for name, value in message.items() if value is not None}


def mailbox(running: Running, words: str = "") -> list[dict[str, Any]]:
    return json.loads(running.get(f"/mailbox.json?with={quote(words)}").text)


def refused(**changes: Any) -> ResendError:
    with pytest.raises(ResendError) as caught:
        resend.Emails.send(mail(**changes))
    return caught.value


def test_a_sent_mail_is_in_the_mailbox(mailer: Running) -> None:
    sent = resend.Emails.send(mail(), {"idempotency_key": "order-7"})
    resend.Emails.send(mail(to="bob@example.org", subject="Second", tags=None, headers=None))

    newest, first = mailbox(mailer)
    assert newest["to"] == ["bob@example.org"]
    assert first == {
        **mail(),
        "id": sent["id"],
        "idempotency_key": "order-7",
        "created_at": first["created_at"],
    }
    found = resend.Emails.get(sent["id"])
    assert (found["subject"], found["last_event"]) == ("Your order M-7", "delivered")
    assert found["message_id"] == f"<{sent['id']}@mountify.example>"


@pytest.mark.parametrize(
    ("words", "subjects"),
    [
        ("bob@example.org", ["Second"]),
        ("Thank you, Ann", ["Second", "Your order M-7"]),
        ('"Größe"', ["Second"]),
        ("nobody", []),
    ],
)
def test_mails_are_found_by_what_stands_in_them(mailer: Running, words: str, subjects: list[str]) -> None:
    resend.Emails.send(mail())
    resend.Emails.send(mail(to="bob@example.org", subject="Second", html='<p>"Größe" M</p>'))
    assert [found["subject"] for found in mailbox(mailer, words)] == subjects


def test_the_same_key_sends_once(mailer: Running) -> None:
    sent = {resend.Emails.send(mail(), {"idempotency_key": "order-7"})["id"] for _ in range(3)}
    assert len(sent) == len(mailbox(mailer)) == 1
    with pytest.raises(ResendError) as caught:
        resend.Emails.send(mail(subject="Other"), {"idempotency_key": "order-7"})
    assert (caught.value.code, caught.value.error_type) == (409, "invalid_idempotent_request")


def test_keys_are_forgotten_after_a_day(mailer: Running) -> None:
    first = resend.Emails.send(mail(), {"idempotency_key": "order-7"})
    mailer.order("/_clock", {"advance_s": 24 * 3600 + 1})
    assert resend.Emails.send(mail(), {"idempotency_key": "order-7"})["id"] != first["id"]


def test_a_key_in_use_is_a_conflict(mailer: Running) -> None:
    mailer.order("/_faults", {"service": "resend", "delay_s": 3, "times": 6})
    answers: list[str] = []

    def send() -> None:
        try:
            answers.append(resend.Emails.send(mail(), {"idempotency_key": "order-7"})["id"])
        except ResendError as error:
            assert error.code == 409
            answers.append(str(error.error_type))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (sent,) = mailbox(mailer)
    assert sorted(answers) == sorted([sent["id"], *["concurrent_idempotent_requests"] * 5])
    assert resend.Emails.send(mail(), {"idempotency_key": "order-7"})["id"] == sent["id"]


def test_a_refused_mail_does_not_use_up_its_key(mailer: Running) -> None:
    with pytest.raises(ResendError):
        resend.Emails.send(mail(to="nobody"), {"idempotency_key": "order-7"})
    assert resend.Emails.send(mail(), {"idempotency_key": "order-7"})["id"] == mailbox(mailer)[0]["id"]


def test_a_key_belongs_to_one_kind_of_request(mailer: Running) -> None:
    resend.Emails.send(mail(), {"idempotency_key": "order-7"})
    with pytest.raises(ResendError) as caught:
        resend.Batch.send([mail()], {"idempotency_key": "order-7"})
    assert caught.value.error_type == "invalid_idempotent_request"


def test_a_key_has_256_characters_at_most(mailer: Running) -> None:
    assert resend.Emails.send(mail(), {"idempotency_key": "k" * 256})["id"]
    with pytest.raises(ResendError) as caught:
        resend.Emails.send(mail(), {"idempotency_key": "k" * 257})
    assert (caught.value.code, caught.value.error_type) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("field", ["from", "to", "subject"])
def test_required_fields_are_missed(mailer: Running, field: str) -> None:
    with pytest.raises(MissingRequiredFieldsError, match=f"`{field}`"):
        resend.Emails.send(mail(**{field: None}))
    assert mailbox(mailer) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"html": None, "text": None},
        {"from": "nobody"},
        {"from": "Mountify <orders@mountify>"},
        {"to": ["ann@example.org", "bob"]},
        {"to": [f"ann{number}@example.org" for number in range(51)]},
        {"cc": "bob"},
        {"subject": "One\nBcc: two@example.org"},
        {"headers": {"X-Order": 7}},
        {"tags": [{"name": "kind", "value": "order 7"}]},
        {"replyto": "a@example.org"},
        {"attachments": [{"filename": "a.pdf"}]},
        {"attachments": [{"filename": "a.pdf", "content": "no base64!"}]},
        {"attachments": [{"filename": "a.pdf", "content": [1, 256]}]},
        {"attachments": [{"path": "/etc/passwd"}]},
        {"attachments": "a.pdf"},
        {"from": "a@example.org\r\nBcc: b@example.org"},
        {"from": ["a@example.org"]},
        {"to": {"email": "a@example.org"}},
        {"to": [["a@example.org"]]},
        {"bcc": [f"ann{number}@example.org" for number in range(51)]},
        {"reply_to": "nobody"},
        {"subject": ["Hi"]},
        {"html": 7},
        {"html": "", "text": ""},
        {"headers": {"X-Order": "1\r\nBcc: two@example.org"}},
        {"headers": {"X Order": "1"}},
        {"headers": ["X-Order"]},
        {"tags": [{"name": "k" * 257, "value": "v"}]},
        {"tags": [{"name": "kind"}]},
        {"tags": {"name": "kind", "value": "order"}},
        {"scheduled_at": "in one hour"},
        {"scheduled_at": "2020-01-01T00:00:00Z"},
        {"scheduled_at": "2199-01-01T00:00:00Z"},
        {"template": {"id": "order"}},
    ],
)
def test_what_resend_refuses_is_refused(mailer: Running, changes: dict[str, Any]) -> None:
    error = refused(**changes)
    assert error.code == 422 and error.error_type in (
        "validation_error",
        "missing_required_field",
        "invalid_attachment",
    )
    assert mailbox(mailer) == []


@pytest.mark.parametrize("body", ["text", 7, [], [mail()], True])
def test_an_email_is_an_object(mailer: Running, body: Any) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer re_x"}
    page = mailer.request("POST", "/emails", json.dumps(body).encode(), headers)
    assert (page.status, json.loads(page.text)["name"]) == (422, "validation_error")


def test_a_file_goes_along(mailer: Running) -> None:
    content = base64.b64encode(b"%PDF-1.7").decode()
    files = [{"filename": "invoice.pdf", "content": content}, {"filename": "b", "content": [37, 80]},
             {"path": "https://shop.example/terms.pdf"}]  # fmt: skip
    sent = resend.Emails.send(mail(attachments=files))
    shown = mailer.get(f"/mailbox/{sent['id']}").text
    assert "invoice.pdf" in shown and "https://shop.example/terms.pdf" in shown


def test_what_is_scheduled_arrives_in_its_time_or_is_taken_back(mailer: Running) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    sent, taken_back = (resend.Emails.send(mail(scheduled_at=at))["id"] for _ in range(2))
    assert mailbox(mailer) == [] and resend.Emails.get(sent)["last_event"] == "scheduled"
    assert resend.Emails.cancel(taken_back)["id"] == taken_back
    mailer.order("/_clock", {"advance_s": 3700})
    assert [one["id"] for one in mailbox(mailer)] == [sent]
    assert [resend.Emails.get(one)["last_event"] for one in (sent, taken_back)] == ["delivered", "canceled"]
    for one in (sent, taken_back):
        with pytest.raises(ResendError, match="Only a scheduled email"):
            resend.Emails.cancel(one)


def test_fifty_recipients_are_allowed(mailer: Running) -> None:
    resend.Emails.send(mail(to=[f"ann{number}@example.org" for number in range(50)]))
    assert len(mailbox(mailer)[0]["to"]) == 50


def test_a_batch_is_sent_whole_or_not_at_all(mailer: Running) -> None:
    with pytest.raises(ResendError):
        resend.Batch.send([mail(), mail(to=["bob"])])
    assert mailbox(mailer) == []
    sent = resend.Batch.send([mail(subject="One"), mail(subject="Two")], {"idempotency_key": "batch-1"})
    again = resend.Batch.send([mail(subject="One"), mail(subject="Two")], {"idempotency_key": "batch-1"})
    assert [one["id"] for one in sent["data"]] == [one["id"] for one in again["data"]]
    assert [one["subject"] for one in mailbox(mailer)] == ["Two", "One"]


def test_a_permissive_batch_sends_what_is_good(mailer: Running) -> None:
    letters = [mail(subject="One"), mail(to="nobody"), mail(subject="Three"), mail(subject=None)]
    sent = resend.Batch.send(letters, {"batch_validation": "permissive"})
    assert [one["subject"] for one in mailbox(mailer)] == ["Three", "One"]
    assert [one["id"] for one in sent["data"]] == [one["id"] for one in mailbox(mailer)[::-1]]
    assert [(one["index"], one["message"]) for one in sent["errors"]][1] == (3, "Missing `subject` field.")


@pytest.mark.parametrize("letters", [[], [mail()] * 101, [mail(attachments=[{"content": "AAAA"}])], {}])
def test_a_batch_has_one_to_a_hundred_plain_mails(mailer: Running, letters: Any) -> None:
    with pytest.raises(ResendError) as caught:
        resend.Batch.send(letters)
    assert (caught.value.code, mailbox(mailer)) == (422, [])
    assert len(resend.Batch.send([mail()] * 100)["data"]) == 100


@pytest.mark.parametrize("header", ["", "Bearer sk_test_1", "Bearer re_", "re_1"])
def test_only_resend_keys_are_let_in(sandbox: Running, header: str) -> None:
    headers = {"Content-Type": "application/json", **({"Authorization": header} if header else {})}
    page = sandbox.request("POST", "/emails", json.dumps(mail()).encode(), headers)
    assert page.status == json.loads(page.text)["statusCode"] == 401
    assert mailbox(sandbox) == []


def test_unknown_mails_and_bad_ids_are_told_apart(mailer: Running) -> None:
    for email_id, code in (("5d2a8f2e-0f4b-4a7c-9f0c-3c1f2d4b5a69", 404), ("seven", 422)):
        with pytest.raises(ResendError) as caught:
            resend.Emails.get(email_id)
        assert caught.value.code == code


def test_the_mailbox_shows_the_mail_and_runs_nothing_in_it(mailer: Running) -> None:
    body = "<p>Hello</p><script>alert(1)</script>"
    sent = resend.Emails.send(mail(html=body, subject="<i>Sale</i>"))

    assert "&lt;i&gt;Sale&lt;/i&gt;" in mailer.get("/mailbox").text
    page = mailer.get(f"/mailbox/{sent['id']}")
    assert '<iframe class="mail" title="The e-mail as HTML" sandbox="allow-popups' in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>" not in page.text
    html = mailer.get(f"/mailbox/{sent['id']}/html")
    assert body in html.text
    policy = html.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert mailer.get("/mailbox/nothing").status == 404
