"""The People page in a browser."""

from playwright.async_api import expect

from tests.dashboard.conftest import OpenPage, Site
from tests.dashboard.keyboard import press


async def test_an_administrator_adds_somebody_who_then_signs_in(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/people", "admin")
    await page.get_by_label("Name").fill("Anna")
    await page.get_by_label("Lead").check()
    await page.get_by_role("button", name="Add").click()
    password = await page.get_by_label("One-time password").inner_text()
    await page.get_by_role("link", name="Done").click()
    row = page.get_by_role("row").filter(has_text="Anna")
    await expect(row).to_contain_text("lead, moderator")
    await expect(row).to_contain_text("one-time password")

    hers = await open_page("/people")
    await expect(hers).to_have_url(f"{site.url}/sign-in?after=%2Fpeople")
    await hers.get_by_label("Name").fill("anna")
    await hers.get_by_label("Password").fill(password)
    await press(hers, "Enter")
    await expect(hers.get_by_role("heading", level=1)).to_have_text("Choose a password")
