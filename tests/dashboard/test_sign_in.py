"""Signing in and out in a browser: by password, by an OpenID provider; locked out; a session that ends."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from service.dashboard.app import dashboard_app
from service.people.directory import SYSTEM
from service.people.roles import Role
from service.records.sql.store import SqlStore
from service.runtime.http_listening import listening
from service.runtime.settings import Settings
from tests.dashboard.conftest import OpenPage, Site, services_on
from tests.dashboard.keyboard import press
from tests.people.openid import CLIENT, SECRET, OpenId, openid

GOOD = "correct horse battery"


async def sign_in(page: Page, name: str, password: str) -> None:
    """Fill and send the form with the keyboard alone."""
    await page.get_by_label("Name").focus()
    await page.keyboard.type(name)
    await press(page, "Tab")
    await page.keyboard.type(password)
    await press(page, "Enter")
    await page.wait_for_load_state()


async def test_the_first_administrator_comes_in_and_must_choose_a_password(site: Site, open_page: OpenPage) -> None:
    password = await site.services.directory.first()
    page = await open_page("/people", allowed=("400",))
    await sign_in(page, "admin", password)
    title = page.get_by_role("heading", level=1)
    await expect(title).to_have_text("Choose a password")
    await page.goto("/people")
    await expect(page).to_have_url(f"{site.url}/password")

    async def change(old: str, new: str, again: str) -> None:
        for label, value in (("One-time password", old), ("New password", new), ("New password again", again)):
            await page.get_by_label(label, exact=True).fill(value)
        await press(page, "Enter")
        await page.wait_for_load_state()

    await change("wrong" * 3, GOOD, GOOD)
    await expect(page.get_by_role("alert")).to_contain_text("is wrong")
    await change(password, GOOD, GOOD + "!")
    await expect(page.get_by_role("alert")).to_contain_text("twice")
    await change(password, GOOD, GOOD)
    await expect(page).to_have_url(f"{site.url}/queue")
    await expect(page.get_by_text("Your password is changed.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Your password is changed.")).to_have_count(0)


async def test_a_wrong_password_says_no_more_than_an_unknown_name_and_locks(site: Site, open_page: OpenPage) -> None:
    await site.services.directory.add("Anna", frozenset({Role.MODERATOR}), by=SYSTEM)
    page = await open_page("/sign-in", allowed=("401", "429"))
    said = page.get_by_role("alert")
    await sign_in(page, "nobody", "wrong")
    first = await said.inner_text()
    for _ in range(5):
        await page.get_by_label("Name").fill("")
        await sign_in(page, "Anna", "wrong")
        assert await said.inner_text() == first
    await page.get_by_label("Password").fill("wrong")
    await press(page, "Enter")
    await expect(said).to_contain_text(re.compile(r"Too many tries\. Try again in \d+ s"))


async def test_signing_in_goes_on_to_where_one_was_going(site: Site, open_page: OpenPage) -> None:
    _, password = await site.services.directory.add("Root", frozenset({Role.ADMIN}), by=SYSTEM)
    root = await site.services.directory.named("Root")
    assert root
    await site.services.directory.change_password(root, password, GOOD, session="")
    page = await open_page(f"/people/{root.id}")
    await sign_in(page, "Root", GOOD)
    await expect(page).to_have_url(f"{site.url}/people/{root.id}")
    before = await page.context.cookies()
    assert [cookie["name"] for cookie in before] == ["assay"]
    assert before[0]["httpOnly"]
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await page.goto("/sign-in?after=https://evil.example/")
    await sign_in(page, "Root", GOOD)
    assert page.url.startswith(site.url)


async def test_a_session_of_somebody_who_was_shut_out_ends_at_once(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/people", "admin", name="Eve")
    eve = await site.person("admin", name="Eve")
    await site.person("admin")
    await site.services.directory.set_disabled(eve.id, True, by=SYSTEM)
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OpenId]:
    async with openid() as served:
        yield served


async def test_an_organisation_signs_people_in(
    site: Site, site_settings: Settings, provider: OpenId, open_page: OpenPage
) -> None:
    settings = site_settings.model_copy(
        update={
            "dashboard_oidc_issuer": provider.url,
            "dashboard_oidc_client_id": CLIENT,
            "dashboard_oidc_client_secret": type(site_settings.dashboard_oidc_client_secret)(SECRET),
            "dashboard_oidc_roles": "bosses=admin",
            "dashboard_passwords": False,
        }
    )
    store = await SqlStore.connect(settings.database_url)
    provider.claims["roles"] = ["bosses"]
    async with listening(dashboard_app(await services_on(settings, store)), "127.0.0.1:0") as url:
        page = await open_page(f"{url}/people", allowed=("401",))
        await expect(page.get_by_label("Password")).to_have_count(0)
        await page.get_by_role("link", name="Sign in with your organisation").click()
        await expect(page).to_have_url(f"{url}/people")
        await expect(page.get_by_role("row").filter(has_text="grace@example.org")).to_contain_text("OpenID")
        await page.get_by_role("button", name="Sign out").click()
        provider.claims["roles"] = []
        await page.get_by_role("link", name="Sign in with your organisation").click()
        await expect(page.get_by_role("alert")).to_contain_text("no role here")
        provider.refuses = "access_denied"
        await page.get_by_role("link", name="Sign in with your organisation").click()
        await expect(page.get_by_role("alert")).to_contain_text("access_denied")
        await page.goto(f"{url}/sign-in/provider/back?state=guess&code=guess")
        await expect(page.get_by_role("alert")).to_contain_text("begun elsewhere")
    await store.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_look_is_kept_in_the_browser(open_page: OpenPage, theme: str) -> None:
    page = await open_page("/sign-in", theme="light" if theme == "dark" else "dark")
    before = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    await page.get_by_role("button", name=theme.capitalize()).click()
    await expect(page.get_by_role("button", name=theme.capitalize())).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before
    await page.get_by_role("button", name="Auto").click()
    await expect(page.get_by_role("button", name="Auto")).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == before
