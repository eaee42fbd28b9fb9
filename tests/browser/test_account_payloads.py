"""Markup and script in every text of an account: shown as they were typed, and nothing of them runs."""

from __future__ import annotations

from textwrap import wrap

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from .conftest import Shop
from .test_account import sign_in
from .test_buying import address_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# What people try who want a page to do something: each sets a mark, loads a picture or breaks out of a place.
PAYLOADS = (
    "<script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    "<svg><script>window.hit=1</script></svg>",
    "<body onload=window.hit=1>",
    "<iframe srcdoc='<script>parent.hit=1</script>'>",
    "<a href=javascript:window.hit=1>here</a>",
    "javascript:window.hit=1",
    '" autofocus onfocus=window.hit=1 x="',
    "' autofocus onfocus=window.hit=1 x='",
    '"><script>window.hit=1</script>',
    "'><img src=x onerror=window.hit=1>",
    "--><script>window.hit=1</script>",
    "]]><script>window.hit=1</script>",
    "</title><script>window.hit=1</script>",
    "</textarea><script>window.hit=1</script>",
    "<math><mtext><script>window.hit=1</script></mtext></math>",
    "<details open ontoggle=window.hit=1>",
    "<video src=x onerror=window.hit=1>",
    "<form action=https://evil.example><button>Pay</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{display:none}</style>",
    "{{ 7*7 }}",
    "${7*7}",
    "<div hx-get=/ hx-trigger=load>",
    "<x hx-on:load=window.hit=1>",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
)
PAGES = ("/settings", "/settings/addresses", "/orders", "/checkout", "/cart", "/", "/settings/closing")


@pytest.mark.parametrize("page", ["script"], indirect=True)
def test_nothing_that_is_typed_into_an_account_runs(page: Page, shop: Shop, request: pytest.FixtureRequest) -> None:
    email = address_of(request)
    sign_in(page, shop, email)
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    with shop.engine.begin() as connection:
        user = {"email": email}
        connection.execute(
            sa.text(
                "INSERT INTO addresses (user_id, name, phone, line1, line2, city, state, postal_code, country) SELECT"
                " id, CAST(:text AS text), left(CAST(:text AS text), 40), CAST(:text AS text), CAST(:text AS text),"
                " CAST(:text AS text), CAST(:text AS text), CAST(:code AS text), 'US' FROM users WHERE email = :email"
            ),
            [{**user, "text": text[:110], "code": f"9720{number}"[:20]} for number, text in enumerate(PAYLOADS)],
        )
    page.goto("/products")
    page.locator("button[name=product_id]").first.click()
    for text in wrap(" ".join(PAYLOADS), 119):
        shop.do("UPDATE users SET name = :text WHERE email = :email", text=text, email=email)
        page.goto("/settings")
        assert page.locator("#name").input_value() == text and page.evaluate("window.hit") is None
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("window.hit") is None, path
        assert page.locator("h1").first.is_visible(), path
    assert [url for url in asked if "evil.example" in url or url.endswith("/x")] == []
