"""The page in a real browser, with the whole app."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect, sync_playwright

from devstack.process import PROVIDED
from tests.app.conftest import App

FRONTEND = Path(__file__).parents[2] / "frontend"
CHROMIUM = PROVIDED / "bin" / "chromium"
# No sandbox, because tests run as root in containers, and no background requests.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A new user with an empty list."""
    return request.node.name


@pytest.fixture
def page(browser: Browser, app: App) -> Iterator[Page]:
    """The sign-in page. Fails the test on errors, violations of the policy and requests to other origins."""
    mistakes: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The browser reports each response of 400 and above; the tests check how the page handles them.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            mistakes.append(message.text)

    context = browser.new_context(locale="en", timezone_id="UTC")
    page = context.new_page()
    page.on("console", listen)
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("request", lambda it: None if it.url.startswith(f"{app.url}/") else mistakes.append(f"request to {it.url}"))
    page.goto(app.url)
    yield page
    context.close()
    assert mistakes == []


@pytest.fixture
def signed_in(page: Page, app: App, user: str) -> Page:
    sign_in(page, app.token(user))
    return page


@pytest.fixture
def running(app: App) -> Iterator[App]:
    """The app, with a backend that the test may stop."""
    yield app
    app.start_backend()


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def add(page: Page, *titles: str) -> None:
    for title in titles:
        page.get_by_label("New todo").fill(title)
        page.get_by_role("button", name="Add").click()
        expect(todo(page, title)).to_be_visible()


def ask(page: Page, message: str) -> None:
    page.get_by_label("Message to the chat").fill(message)
    page.get_by_role("button", name="Send").click()


def todo(page: Page, title: str) -> Locator:
    return page.get_by_role("checkbox", name=title, exact=True)


def titles(page: Page, heading: str) -> Locator:
    return page.get_by_role("list", name=heading, exact=True).locator(".title")


def test_token_signs_in_until_sign_out(page: Page, app: App, user: str) -> None:
    sign_in(page, "nonsense")
    expect(page.get_by_role("alert").filter(has_text="This is not a token")).to_be_visible()

    sign_in(page, "aaaa.bbbb.cccc")
    expect(page.get_by_role("alert").filter(has_text="Sign in again")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_focused()

    sign_in(page, app.token(user))
    expect(page.get_by_text("Nothing to do yet.")).to_be_visible()
    expect(page.get_by_text(user, exact=True)).to_be_visible()
    expect(page).to_have_url(f"{app.url}/")

    page.reload()
    expect(page.get_by_text(user, exact=True)).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])") == '[{},{},""]'


def test_expired_token_keeps_typed_text(signed_in: Page, app: App, user: str) -> None:
    def expire(route: Route) -> None:
        route.fulfill(status=401, json={"detail": "Sign in again: the token has expired."})

    signed_in.get_by_label("Message to the chat").fill("Half a thought")
    signed_in.get_by_label("New todo").fill("Milk")
    signed_in.route("**/api/todos", expire, times=1)
    signed_in.get_by_label("New todo").press("Enter")
    expect(signed_in.get_by_role("alert").filter(has_text="the token has expired")).to_be_visible()
    expect(signed_in.get_by_label("New todo")).to_be_hidden()

    sign_in(signed_in, app.token(user))
    expect(signed_in.get_by_label("Message to the chat")).to_have_value("Half a thought")
    expect(signed_in.get_by_label("New todo")).to_have_value("Milk")


def test_next_user_sees_nothing_of_the_previous_one(signed_in: Page, app: App, user: str) -> None:
    signed_in.get_by_label("Message to the chat").fill("A secret")
    add(signed_in, "A secret todo")
    signed_in.route("**/api/chat", lambda route: route.fulfill(status=401, json={"detail": "Expired."}))
    signed_in.get_by_label("Message to the chat").press("Enter")

    sign_in(signed_in, app.token(f"{user}, other"))
    expect(signed_in.get_by_text("Nothing to do yet.")).to_be_visible()
    expect(signed_in.get_by_label("Message to the chat")).to_have_value("")
    assert "secret" not in signed_in.content()


def test_todo_is_added_by_chat(signed_in: Page) -> None:
    ask(signed_in, "Add milk")
    conversation = signed_in.get_by_role("log")
    expect(conversation).to_contain_text(re.compile(r"You:\s*Add milk"))
    expect(conversation.get_by_role("listitem")).to_have_text(re.compile(r"created\s+milk", re.IGNORECASE))
    expect(todo(signed_in, "milk")).not_to_be_checked()
    expect(signed_in.get_by_label("Message to the chat")).to_have_value("")

    ask(signed_in, "Complete milk")
    expect(todo(signed_in, "milk")).to_be_checked()


def test_todo_is_added_completed_reopened_and_renamed(signed_in: Page) -> None:
    add(signed_in, "Milk", "<b>Bread</b>", "Salt")
    expect(titles(signed_in, "Todos")).to_have_text(["Milk", "<b>Bread</b>", "Salt"])
    expect(signed_in.get_by_text("3 open")).to_be_visible()
    expect(signed_in.get_by_role("status").filter(has_text="Added “Salt”.")).to_be_visible()

    todo(signed_in, "Milk").check()
    expect(titles(signed_in, "Todos")).to_have_text(["<b>Bread</b>", "Salt"])
    expect(titles(signed_in, "Completed")).to_have_text(["Milk"])
    expect(titles(signed_in, "Completed")).to_have_css("text-decoration-line", "line-through")
    todo(signed_in, "Milk").uncheck()

    signed_in.get_by_role("button", name="Rename Milk").click()
    signed_in.get_by_role("textbox", name="New title").fill("Oat milk")
    signed_in.get_by_role("button", name="Save").click()
    expect(todo(signed_in, "Oat milk")).to_be_visible()

    signed_in.reload()
    expect(titles(signed_in, "Todos")).to_have_text(["Oat milk", "<b>Bread</b>", "Salt"])


def test_deletion_can_be_undone(signed_in: Page) -> None:
    add(signed_in, "Milk", "Bread")
    todo(signed_in, "Milk").check()
    signed_in.get_by_role("button", name="Delete Milk").click()
    expect(todo(signed_in, "Milk")).to_be_hidden()

    signed_in.get_by_role("button", name="Undo").click()
    expect(todo(signed_in, "Milk")).to_be_checked()
    expect(signed_in.get_by_role("button", name="Undo")).to_be_hidden()

    signed_in.get_by_role("button", name="Delete Milk").click()
    expect(signed_in.get_by_text("Deleted “Milk”.")).to_be_visible()
    signed_in.reload()
    expect(titles(signed_in, "Todos")).to_have_text(["Bread"])
    expect(todo(signed_in, "Milk")).to_be_hidden()


def test_activity_shows_events_when_they_arrive(signed_in: Page) -> None:
    # This app has no sidecar; test_events.py tests the real events.
    event = {"id": "1", "type": "todo.created", "title": "Milk", "at": "2026-11-24T10:00:00Z"}
    signed_in.route("**/api/activity", lambda route: route.fulfill(json=[event]))
    signed_in.route("**/api/activity", lambda route: route.fulfill(json=[]), times=1)
    signed_in.get_by_text("Activity", exact=True).click()
    expect(signed_in.get_by_text("Nothing yet.")).to_be_visible()
    activity = signed_in.get_by_role("group").get_by_role("listitem")
    expect(activity).to_have_text(re.compile(r"created\s+Milk\s+Nov 24", re.IGNORECASE), timeout=15_000)


def test_list_is_refreshed_when_the_tab_becomes_visible(signed_in: Page, app: App, user: str) -> None:
    expect(signed_in.get_by_text("Nothing to do yet.")).to_be_visible()
    elsewhere = signed_in.context.new_page()
    elsewhere.goto(app.url)
    sign_in(elsewhere, app.token(user))
    add(elsewhere, "Milk")
    elsewhere.close()
    signed_in.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # headless tabs are never hidden
    expect(todo(signed_in, "Milk")).to_be_visible()


def test_input_survives_an_outage_of_the_backend(signed_in: Page, running: App) -> None:
    add(signed_in, "Bread")
    trouble = signed_in.get_by_role("alert")
    retry = trouble.get_by_role("button", name="Retry")
    running.stop_backend()

    todo(signed_in, "Bread").click()
    expect(trouble.filter(has_text="“Bread” did not change.")).to_be_visible()
    expect(todo(signed_in, "Bread")).not_to_be_checked()

    ask(signed_in, "Add salt")
    expect(trouble.filter(has_text="The chat did not answer.")).to_be_visible()
    expect(signed_in.get_by_label("Message to the chat")).to_have_value("Add salt")

    signed_in.get_by_label("New todo").fill("Milk")
    signed_in.get_by_label("New todo").press("Enter")
    expect(trouble.filter(has_text="“Milk” was not added.")).to_be_visible()
    retry.click()
    expect(trouble.filter(has_text="“Milk” was not added.")).to_be_visible()
    expect(signed_in.get_by_label("New todo")).to_have_value("Milk")

    running.start_backend()
    retry.click()
    expect(titles(signed_in, "Todos")).to_have_text(["Bread", "Milk"])
    expect(signed_in.get_by_label("New todo")).to_have_value("")
    expect(signed_in.get_by_label("New todo")).to_be_focused()
    expect(retry).to_be_hidden()

    signed_in.get_by_label("Message to the chat").press("Enter")
    expect(todo(signed_in, "salt")).to_be_visible()


def test_retry_loads_the_list_after_an_outage(page: Page, running: App, user: str) -> None:
    sign_in(page, running.token(user))
    add(page, "Milk")
    running.stop_backend()
    page.reload()
    expect(page.get_by_role("alert").filter(has_text="Your todos are not here yet.")).to_be_visible()
    running.start_backend()
    page.get_by_role("button", name="Retry").click()
    expect(todo(page, "Milk")).to_be_visible()


def test_page_works_by_keyboard(page: Page, app: App, user: str) -> None:
    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    page.keyboard.insert_text(app.token(user))
    press("Enter")
    expect(page.get_by_label("New todo")).to_be_focused()
    for title in ("Milk", "n/u", "Salt"):
        page.keyboard.type(title)
        press("Enter")
    expect(titles(page, "Todos")).to_have_text(["Milk", "n/u", "Salt"])

    press("Tab", "Tab", "Space")
    expect(todo(page, "Milk")).to_be_checked()
    expect(todo(page, "Milk")).to_be_focused()

    press("n", "Tab", "Tab", "Tab", "Enter")
    expect(page.get_by_role("textbox", name="New title")).to_be_focused()
    page.keyboard.type("Bread")
    press("Enter")
    expect(page.get_by_role("button", name="Rename Bread")).to_be_focused()
    press("Tab", "Enter")
    expect(titles(page, "Todos")).to_have_text(["Salt"])
    expect(todo(page, "Salt")).to_be_focused()
    expect(page.get_by_text("Deleted “Bread”.")).to_be_visible()

    press("u")
    expect(titles(page, "Todos")).to_have_text(["Salt", "Bread"])
    expect(todo(page, "Bread")).to_be_focused()

    press("/")
    expect(page.get_by_label("Message to the chat")).to_be_focused()
    page.keyboard.type("Add pepper")
    press("Enter")
    expect(todo(page, "pepper")).to_be_visible()
    expect(page.get_by_label("Message to the chat")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(page: Page, running: App, user: str, scheme: str) -> None:
    def check() -> None:
        # `evaluate` runs the script outside of the page's policy, which would block it.
        page.evaluate((FRONTEND / "node_modules/axe-core/axe.min.js").read_text())
        violations = page.evaluate("axe.run().then(({ violations }) => violations)")
        assert [(it["id"], [node["html"] for node in it["nodes"]]) for it in violations] == []

    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    check()
    sign_in(page, "nonsense")
    check()
    sign_in(page, running.token(user))
    expect(page.get_by_text("Nothing to do yet.")).to_be_visible()
    check()
    add(page, "Milk", "Bread", "Salt")
    todo(page, "Milk").check()
    page.get_by_role("button", name="Rename Bread").click()
    page.get_by_role("button", name="Delete Salt").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    ask(page, "Add pepper")
    expect(todo(page, "pepper")).to_be_visible()
    page.get_by_text("Activity", exact=True).click()
    running.stop_backend()
    todo(page, "pepper").click()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    check()


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_page_fits_every_width(signed_in: Page, width: int) -> None:
    signed_in.set_viewport_size({"width": width, "height": 800})
    add(signed_in, "W" * 200)
    signed_in.get_by_role("button", name="Rename").click()
    ask(signed_in, "Add " + "V" * 150)
    expect(signed_in.get_by_role("log").get_by_role("listitem")).to_be_visible()
    signed_in.get_by_role("button", name="Delete V").click()
    expect(signed_in.get_by_role("button", name="Undo")).to_be_visible()
    assert signed_in.evaluate("document.documentElement.scrollWidth") == width


def test_responses_have_security_and_cache_headers(page: Page, app: App) -> None:
    asset = page.locator("script").get_attribute("src")
    kept = "public, max-age=31536000, immutable"
    for path, status, caching in (
        ("/", 200, "no-cache"),
        ("/favicon.svg", 200, "no-cache"),
        (asset, 200, kept),
        ("/assets/gone.js", 404, "no-cache"),
        ("/nowhere", 404, "no-cache"),
    ):
        answer = page.request.get(f"{app.url}{path}")
        assert answer.status == status
        assert answer.headers["cache-control"] == caching
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_unknown_path_links_to_the_page(page: Page, app: App) -> None:
    page.goto(f"{app.url}/nowhere")
    page.get_by_role("link", name="To your todos").click()
    expect(page.get_by_label("Token")).to_be_visible()
