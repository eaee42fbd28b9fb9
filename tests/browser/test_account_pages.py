"""Every page around an account, with and without script: there and back, wrong turns, and the second click."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from redis import Redis

from tests.axe import complaints

from .conftest import PASSWORDS, Shop, has_script
from .test_account import KNOWN, sign_in
from .test_buying import add_to_cart, address_of, open_part

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PASSWORD, ANOTHER = PASSWORDS[KNOWN], "another long and boring one"
GUESSED = "password123"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def email(request: pytest.FixtureRequest) -> str:
    return address_of(request)


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def expect_title(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def expect_notice(page: Page, sentence: str) -> None:
    expect(page.locator("#flash")).to_contain_text(sentence)


def expect_wrong(page: Page, name: str, sentence: str) -> None:
    """The sentence stands beside the field, is read out with it, and leads to it from above the form."""
    field = page.locator(f"#{name}")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_attribute("aria-describedby", f"{name}-d")
    expect(page.locator(f"#{name}-d")).to_have_text(sentence)
    expect(page.get_by_role("alert").get_by_role("link", name=sentence)).to_have_attribute("href", f"#{name}")


def enter(page: Page, email: str, password: str) -> None:
    """Sign in by the keyboard alone."""
    page.goto("/auth/signin")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("#password").press("Enter")


def path_in(mail: dict[str, Any]) -> str:
    """Where the link in a mail leads to at the shop."""
    found = re.search(r"http://[^/]+(/\S+token=[\w-]+)", mail["text"])
    assert found, mail["text"]
    return found[1]


@contextmanager
def another_browser(page: Page, shop: Shop, user_agent: str) -> Iterator[Page]:
    """Another device of the same person, with script where the first has it."""
    browser = page.context.browser
    assert browser
    context = browser.new_context(java_script_enabled=has_script(page), base_url=shop.url, user_agent=user_agent)
    try:
        yield context.new_page()
    finally:
        context.close()


def grow_old(shop: Shop, email: str) -> None:
    """Let it be eleven minutes ago that somebody showed who they are; Redis has forgotten, and asks the row."""
    shop.do(
        "UPDATE user_sessions SET created_at = created_at - interval '11 minutes' "
        "WHERE user_id = (SELECT id FROM users WHERE email = :email)",
        email=email,
    )
    with Redis.from_url(shop.env["REDIS_URL"]) as redis:
        for key in redis.scan_iter("session:*"):
            redis.delete(key)


def test_a_stranger_opens_an_account_and_the_cart_comes_along(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    open_part(page, "Ledge Phone Stand")
    add_to_cart(page, 2)
    expect(page.locator("#cart-badge")).to_contain_text("2")
    page.goto("/auth/signin")
    page.get_by_role("link", name="Create account").click()
    page.locator("#email").fill(email)
    page.locator("#password").fill(GUESSED)
    press(page, "Create account")
    expect_wrong(page, "password", "This password is easy to guess. A short sentence works well.")
    expect(page.locator("#email")).to_have_value(email)
    expect(page.locator("#password")).to_have_value("")
    look("1-guessed")
    page.locator("#password").fill(PASSWORD)
    page.locator("#password").press("Enter")
    expect_notice(page, "Look into your mail: a link to open the account is on its way.")
    look("2-look-into-your-mail")
    link = path_in(shop.mail_to(email))
    page.goto(link)
    expect_title(page, "Open your account")
    expect(page.get_by_role("main")).to_contain_text(email)
    page.locator("#password").fill("not what was chosen")
    press(page, "Open account")
    expect_wrong(page, "password", "That is not the password of this account.")
    look("3-wrong-password")
    page.locator("#password").fill(PASSWORD)
    press(page, "Open account")
    expect_notice(page, "Your account is open. Sign in, and your cart comes along.")
    enter(page, email, PASSWORD)
    expect_notice(page, "You are signed in.")
    expect(page.locator("#cart-badge")).to_contain_text("2")
    page.goto(link)
    expect_title(page, "This link does not work")
    page.get_by_role("link", name="Back to your profile").click()
    expect_title(page, "Profile & password")


def test_a_taken_address_looks_like_a_free_one(page: Page, shop: Shop, email: str) -> None:
    mails, seen = len(shop.mails_to(KNOWN)), []
    for each in (KNOWN, email):
        page.goto("/auth/register")
        page.locator("#email").fill(each)
        page.locator("#password").fill(PASSWORD)
        press(page, "Create account")
        expect_notice(page, "Look into your mail")
        seen.append((page.url, page.locator("body").inner_text()))
    assert seen[0] == seen[1]
    assert shop.newest_mail_to(KNOWN, more_than=mails)["subject"].startswith("You have an account at")


def test_a_wrong_password_keeps_the_address_and_leads_where_one_wanted_to_go(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    sign_in(page, shop, email)
    page.goto("/settings")
    press(page, "Sign out")
    page.goto("/settings/addresses")
    page.locator("#email").fill(email)
    page.locator("#password").fill("wrong")
    press(page, "Sign in")
    expect(page.get_by_role("alert")).to_contain_text("That email and password do not match.")
    expect(page).to_have_title(re.compile("^Sign in, check details"))
    expect(page.locator("#email")).to_have_value(email)
    look("1-wrong")
    page.locator("#password").fill(PASSWORD)
    press(page, "Sign in")
    expect_notice(page, "You are signed in.")
    expect(page).to_have_url(f"{shop.url}/settings/addresses")


def test_a_forgotten_password_is_chosen_anew(page: Page, shop: Shop, email: str, look: Callable[[str], None]) -> None:
    sign_in(page, shop, email)
    page.context.clear_cookies()
    page.goto("/auth/signin")
    page.get_by_role("link", name="Forgot password?").click()
    page.locator("#email").fill("sam@example")
    press(page, "Send link")
    expect_wrong(page, "email", "Enter an email address such as sam@example.com.")
    expect(page.locator("#email")).to_have_value("sam@example")
    page.locator("#email").fill(email)
    page.locator("#email").press("Enter")
    expect_notice(page, "If that address has an account, a link is on its way to it.")
    look("1-sent")
    page.goto(path_in(shop.mail_to(email)))
    page.locator("#password").fill(GUESSED)
    press(page, "Save password")
    expect_wrong(page, "password", "This password is easy to guess. A short sentence works well.")
    look("2-guessed")
    page.locator("#password").fill(ANOTHER)
    press(page, "Save password")
    expect_notice(page, "Your new password is set. Sign in with it.")
    enter(page, email, ANOTHER)
    expect_notice(page, "You are signed in.")


def test_a_changed_password_ends_what_is_open_elsewhere(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    sign_in(page, shop, email)
    with another_browser(page, shop, IPHONE) as phone:
        enter(phone, email, PASSWORD)
        expect_notice(phone, "You are signed in.")
        page.goto("/settings")
        page.locator("#current_password").fill("wrong")
        page.locator("#new_password").fill(ANOTHER)
        press(page, "Change password")
        expect_wrong(page, "current_password", "That is not the password of this account.")
        look("1-wrong")
        page.locator("#current_password").fill(PASSWORD)
        page.locator("#new_password").fill(ANOTHER)
        page.locator("#new_password").press("Enter")
        expect_notice(page, "Password changed. Everywhere else you are signed out.")
        look("2-changed")
        phone.goto("/settings")
        expect_title(phone, "Sign in")
        enter(phone, email, ANOTHER)
        expect_notice(phone, "You are signed in.")


def test_another_name_is_saved(page: Page, shop: Shop, email: str) -> None:
    sign_in(page, shop, email)
    page.goto("/settings")
    page.locator("#name").evaluate("field => field.removeAttribute('maxlength')")
    page.locator("#name").fill("x" * 121)
    press(page, "Save profile")
    expect_wrong(page, "name", "A name has at most 120 characters.")
    expect(page.locator("#name")).to_have_value("x" * 121)
    page.locator("#name").fill("Zoë O’Hara <b>")
    page.locator("#name").press("Enter")
    expect_notice(page, "Profile saved.")
    expect(page.locator("#name")).to_have_value("Zoë O’Hara <b>")


def test_another_address_is_confirmed_by_the_new_one_and_told_to_the_old(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    new = f"new-{email}"
    sign_in(page, shop, email)
    page.goto("/settings")
    page.get_by_role("link", name="Change email address").click()
    page.locator("#email").fill("sam@example")
    press(page, "Send link")
    expect_wrong(page, "email", "Enter an email address such as sam@example.com.")
    page.locator("#email").fill(new)
    press(page, "Send link")
    expect_notice(page, "A link is on its way to the new address. Until it is followed, nothing changes.")
    expect(page.locator("dl")).to_contain_text(email)
    link = path_in(shop.mail_to(new))
    page.goto(link)
    expect_title(page, "Your new address")
    look("1-new-address")
    press(page, "Use this address")
    expect_notice(page, "Your account has its new address.")
    expect(page.locator("dl")).to_contain_text(new)
    assert shop.mail_to(email)["subject"].endswith("has another address")
    page.goto(link)
    expect_title(page, "This link does not work")
    look("2-spent")
    page.get_by_role("link", name="Send a new link").click()
    expect_title(page, "Change email address")


def test_one_device_is_signed_out_and_then_all_others(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    sign_in(page, shop, email)
    with another_browser(page, shop, IPHONE) as phone, another_browser(page, shop, WINDOWS) as desk:
        for device in (phone, desk):
            enter(device, email, PASSWORD)
            expect_notice(device, "You are signed in.")
        page.goto("/settings")
        expect(page.locator("tbody tr")).to_have_count(3)
        look("1-devices")
        page.get_by_role("button", name="Sign out Safari on iPhone").click()
        expect_notice(page, "That device is signed out.")
        phone.goto("/settings")
        expect_title(phone, "Sign in")
        desk.goto("/settings")
        expect_title(desk, "Profile & password")
        press(page, "Sign out everywhere else")
        expect_notice(page, "Everywhere else you are signed out.")
        expect(page.get_by_text("1 device", exact=True)).to_be_visible()
        desk.goto("/settings")
        expect_title(desk, "Sign in")


def test_the_data_comes_as_a_file_after_a_proof(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    sign_in(page, shop, email)
    grow_old(shop, email)
    page.goto("/settings")
    page.get_by_role("link", name="Download my data").click()
    expect_title(page, "Is it you?")
    page.locator("#password").fill("wrong")
    press(page, "Continue")
    expect_wrong(page, "password", "That is not the password of this account.")
    look("1-wrong-proof")
    page.locator("#password").fill(PASSWORD)
    page.locator("#password").press("Enter")
    expect_title(page, "Download my data")
    with page.expect_download() as coming:
        press(page, "Download")
    assert coming.value.suggested_filename == "my-data.json"
    assert json.loads(Path(coming.value.path()).read_text("utf-8"))["profile"]["email"] == email


def test_an_account_is_closed_after_second_thoughts(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    sign_in(page, shop, email)
    page.goto("/settings")
    page.get_by_role("link", name="Close account").click()
    expect(page.get_by_role("main")).to_contain_text(email)
    look("1-asked")
    page.get_by_role("link", name="Keep it").click()
    grow_old(shop, email)
    page.get_by_role("link", name="Close account").click()
    page.locator("#password").fill(PASSWORD)
    press(page, "Continue")
    press(page, "Close account")
    expect_notice(page, "Your account is closed. You can still buy as a guest.")
    assert shop.one("SELECT count(*) FROM users WHERE email = :email", email=email) == 0
    enter(page, email, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("That email and password do not match.")


def test_going_back_after_signing_out_shows_nothing_private(page: Page, shop: Shop, email: str) -> None:
    sign_in(page, shop, email)
    page.goto("/settings")
    expect(page.locator("dl")).to_contain_text(email)
    press(page, "Sign out")
    expect_notice(page, "You are signed out.")
    page.go_back()
    expect_title(page, "Sign in")
    expect(page.locator("body")).not_to_contain_text(email)


def posts_of(page: Page) -> list[str]:
    """The forms a page sends from now on."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def test_a_double_click_opens_one_account(page: Page, shop: Shop, email: str) -> None:
    page.goto("/auth/register")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    sent, scripted = posts_of(page), has_script(page)
    page.get_by_role("button", name="Create account").dblclick(delay=60)
    expect_notice(page, "Look into your mail")
    assert shop.one("SELECT count(*) FROM users WHERE email = :email", email=email) == 1
    assert len(sent) == 1 or not scripted


def test_a_double_click_saves_one_password(page: Page, shop: Shop, email: str) -> None:
    """Without script the second click comes with a spent link: what it is told leads on all the same."""
    sign_in(page, shop, email)
    page.context.clear_cookies()
    page.goto("/auth/forgot-password")
    page.locator("#email").fill(email)
    press(page, "Send link")
    page.goto(path_in(shop.mail_to(email)))
    page.locator("#password").fill(ANOTHER)
    done, scripted = "Your new password is set.", has_script(page)
    page.get_by_role("button", name="Save password").dblclick(delay=60)
    expect(page.get_by_role("main")).to_contain_text(done if scripted else re.compile(f"{done}|it has done its work"))
    enter(page, email, ANOTHER)
    expect_notice(page, "You are signed in.")


def test_a_password_is_shown_on_demand_while_one_types(page: Page, look: Callable[[str], None]) -> None:
    page.goto("/auth/signin")
    field, button = page.locator("#password"), page.locator("[data-password] button")
    if not has_script(page):
        expect(button).to_have_count(0)
        return
    expect(button).to_have_accessible_name("Show Password")
    before = field.bounding_box()
    field.fill("abcdef")
    for _ in range(3):
        field.press("ArrowLeft")
    button.click()
    expect(field).to_have_attribute("type", "text")
    expect(field).to_be_focused()
    page.keyboard.type("X")
    expect(field).to_have_value("abcXdef")
    look("1-shown")
    assert field.bounding_box() == before, "nothing moves"
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Space")
    expect(field).to_have_attribute("type", "password")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(button).to_have_accessible_name("Hide Password")
    expect(page).to_have_url(re.compile("/auth/signin$"))


def test_a_shown_password_is_never_sent_or_left_as_text(page: Page) -> None:
    page.goto("/auth/signin")
    if not has_script(page):
        expect(page.locator("#password")).to_have_attribute("type", "password")
        return
    page.locator("#email").fill("sam@example.com")
    page.locator("#password").fill("abcdef")
    page.get_by_role("button", name="Show Password").click()
    page.evaluate(
        "document.querySelector('#password').form.addEventListener('submit', event => event.preventDefault())"
    )
    page.locator("#password").press("Enter")
    expect(page.locator("#password")).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show Password").click()
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    expect(page.locator("#password")).to_have_attribute("type", "password")


JUDGE = """() => {
  const troubles = [], root = document.documentElement;
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  if (root.scrollWidth > root.clientWidth) troubles.push(`${root.scrollWidth} px wide`);
  if (document.querySelectorAll('h1').length !== 1) troubles.push('not one h1');
  troubles.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map(id => `two #${id}`));
  for (const each of document.querySelectorAll('[aria-describedby]'))
    if (!ids.includes(each.getAttribute('aria-describedby'))) troubles.push(`#${each.id} is described by nothing`);
  for (const each of document.querySelectorAll('main :is(button, .btn, .link, input:not(.vh, [type=hidden]))')) {
    if (!each.checkVisibility()) continue;
    const { width, height } = (each.closest('label') || each).getBoundingClientRect();
    if (width < 44 || height < 44) troubles.push(`${each.textContent || each.id} is ${width} × ${height}`);
  }
  return troubles;
}"""


class Critic:
    """Looks at one page after another as axe does, and as thumbs do on the narrowest phone."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: dict[str, Any] = {}

    def judge(self, title: str, *, heading: str) -> None:
        """On a phone the whole page, on a desk what other pages do not have too."""
        expect_title(self.page, heading)
        for width, scheme, part in ((1440, "dark", "main"), (360, "light", "html")):
            self._see(width, scheme)
            for rule, nodes in complaints(self.page, part):
                self._note(title, rule, *nodes)
        self._see(320, "light")
        self._note(title, *self.page.evaluate(JUDGE))

    def send_unchecked(self, button: str) -> None:
        """Send a form as a browser does that checks nothing itself."""
        self.page.evaluate("for (const form of document.forms) form.noValidate = true")
        press(self.page, button)

    def _see(self, width: int, scheme: Any) -> None:
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.page.set_viewport_size({"width": width, "height": 780})

    def _note(self, title: str, *said: str) -> None:
        if said:
            self.troubles.setdefault(title, []).extend(said)


@pytest.fixture
def critic(chromium: Browser, shop: Shop) -> Iterator[Critic]:
    context: BrowserContext = chromium.new_context(base_url=shop.url, reduced_motion="reduce")
    critic = Critic(context.new_page())
    yield critic
    context.close()
    assert critic.troubles == {}, json.dumps(critic.troubles, indent=1)


def test_the_pages_of_strangers_are_open_to_everybody(critic: Critic, shop: Shop, email: str) -> None:
    page, judge = critic.page, critic.judge
    page.goto("/auth/signin")
    critic.send_unchecked("Sign in")
    judge("sign-in, empty", heading="Sign in")
    page.locator("#email").fill(email)
    page.locator("#password").fill("wrong")
    press(page, "Sign in")
    page.get_by_role("button", name="Show Password").click()
    judge("sign-in, wrong, shown", heading="Sign in")
    page.goto("/auth/register")
    judge("register", heading="Create account")
    critic.send_unchecked("Create account")
    judge("register, empty", heading="Create account")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    press(page, "Create account")
    judge("look into your mail", heading="Sign in")
    link = path_in(shop.mail_to(email))
    page.goto(link)
    judge("confirm", heading="Open your account")
    critic.send_unchecked("Open account")
    judge("confirm, empty", heading="Open your account")
    page.locator("#password").fill(PASSWORD)
    press(page, "Open account")
    page.goto(link)
    judge("spent", heading="This link does not work")
    page.goto("/auth/forgot-password")
    critic.send_unchecked("Send link")
    judge("forgot, empty", heading="Forgot password")
    page.locator("#email").fill(email)
    press(page, "Send link")
    judge("forgot, sent", heading="Forgot password")
    page.goto(path_in(shop.newest_mail_to(email, more_than=1)))
    judge("reset", heading="Choose a new password")
    critic.send_unchecked("Save password")
    judge("reset, empty", heading="Choose a new password")


def test_the_pages_of_customers_are_open_to_everybody(critic: Critic, shop: Shop, email: str) -> None:
    page, judge = critic.page, critic.judge
    sign_in(page, shop, email)
    with another_browser(page, shop, IPHONE) as phone:
        enter(phone, email, PASSWORD)
        expect_notice(phone, "You are signed in.")
    page.goto("/settings")
    judge("settings", heading="Profile & password")
    critic.send_unchecked("Change password")
    judge("settings, empty passwords", heading="Profile & password")
    page.goto("/settings/email")
    critic.send_unchecked("Send link")
    judge("another address, empty", heading="Change email address")
    page.locator("#email").fill(f"new-{email}")
    press(page, "Send link")
    page.goto(path_in(shop.mail_to(f"new-{email}")))
    judge("new address", heading="Your new address")
    for path, heading in (("/settings/download", "Download my data"), ("/settings/closing", "Close account?")):
        page.goto(path)
        judge(path, heading=heading)
    page.goto("/auth/proof")
    judge("proof", heading="Is it you?")
    critic.send_unchecked("Continue")
    judge("proof, empty", heading="Is it you?")
    shop.do("UPDATE users SET password_hash = NULL WHERE email = :email", email=email)
    page.goto("/auth/proof")
    judge("proof without a password", heading="Is it you?")
    page.goto("/settings")
    judge("settings without a password", heading="Profile & password")
