import pytest

from mountify.core import checkpoints
from mountify.core.order_status import OrderStatus, may_follow
from mountify.core.slugs import part_number, slugify
from mountify.core.texts import has_control_characters, read_whole, without_control_characters
from mountify.core.tokens import is_signed, is_token, new_token, sign


def test_slugs_are_plain_words() -> None:
    assert slugify("Ledge  Phone—Stand, très bien!") == "ledge-phone-stand-tres-bien"
    assert slugify("日本") == "item"
    assert len(slugify("x" * 500)) == 80


def test_part_numbers_have_three_digits_at_least() -> None:
    assert [part_number(number) for number in (7, 71, 1234)] == ["M-007", "M-071", "M-1234"]


def test_a_signature_holds_for_one_purpose_and_one_value() -> None:
    signature = sign("secret", "order", "7")
    assert is_signed("secret", "order", "7", signature)
    assert not is_signed("secret", "order", "8", signature)
    assert not is_signed("secret", "session", "7", signature)
    assert not is_signed("other", "order", "7", signature)
    assert not is_signed("secret", "order", "7", "\ud800é")


def test_tokens_have_256_bits() -> None:
    assert len(new_token()) == 43
    assert new_token() != new_token()


@pytest.mark.parametrize("text", ["", "x" * 42, "x" * 44, "x" * 42 + "é", "x" * 42 + " ", "x" * 43 + "\n"])
def test_what_looks_like_a_token_is_one(text: str) -> None:
    assert is_token(new_token()) and not is_token(text)


@pytest.mark.parametrize("text", ["", " 1", "+1", "-1", "1_0", "1.0", "１", "٣", "²", "9" * 19, "1\n", "abc"])
def test_a_whole_number_is_plain_digits(text: str) -> None:
    assert read_whole(text) is None
    assert (read_whole("0"), read_whole("007"), read_whole("9" * 18)) == (0, 7, int("9" * 18))


def test_control_characters_and_halves_of_characters_become_spaces() -> None:
    assert without_control_characters("a\x00b\nc\ud800d é🔥") == "a b c d é🔥"
    assert has_control_characters("a\tb") and not has_control_characters("a b")


def test_a_refunded_order_never_goes_back() -> None:
    assert not any(may_follow(OrderStatus.REFUNDED, wanted) for wanted in OrderStatus)
    assert not any(may_follow(current, OrderStatus.PENDING) for current in OrderStatus)


def test_checkpoints_talk_to_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checkpoints.VARIABLE, "192.0.2.1:99")
    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1"):
        checkpoints.reached("anything")
    monkeypatch.delenv(checkpoints.VARIABLE)
    checkpoints.reached("anything")
