"""Keys that a person presses once the page is there: one, the first case, a decision."""

import re

from playwright.async_api import Page, expect


async def press(page: Page, key: str) -> None:
    """Press `key` once the page's script listens: an address changes before the new page has run it."""
    await page.wait_for_load_state()
    await page.keyboard.press(key)


async def begin(page: Page) -> None:
    """Lease the first case with the key n."""
    await press(page, "n")
    await expect(page).to_have_url(re.compile("/queue/cases/"))
    await page.wait_for_load_state()


async def decide(page: Page, key: str) -> str:
    """Press a decision's key and wait until it holds and the next case is there; the id of the one decided."""
    case = page.locator("#case")
    before = await case.get_attribute("data-case")
    assert before
    await press(page, key)
    await expect(page.locator(f'#case[data-case="{before}"]')).to_have_count(0)
    await expect(page.locator("#case[aria-busy]")).to_have_count(0)
    return before
