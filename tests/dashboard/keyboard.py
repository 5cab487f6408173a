"""Keys that a person presses once the page is there."""

from playwright.async_api import Page


async def press(page: Page, key: str) -> None:
    """Press `key` once the page's script listens: an address changes before the new page has run it."""
    await page.wait_for_load_state()
    await page.keyboard.press(key)
