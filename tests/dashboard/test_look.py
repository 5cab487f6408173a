"""Whether everybody can read and use the dashboard: contrast, names of controls, keys, narrow screens, paper."""

import re
from itertools import product

import pytest
from playwright.async_api import Page, expect

from service.dashboard.rendering import STATIC
from service.people.directory import SYSTEM
from service.people.roles import Role
from tests.dashboard.conftest import NARROW, OpenPage, Site
from tests.dashboard.keyboard import press

COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (STATIC / "assay.css").read_text()
    )
}
TEXT, SHAPE = 4.5, 3.0
PAIRS = [
    *((ink, on, TEXT) for ink, on in product(("ink", "quiet", "accent"), ("ground", "surface", "sunken"))),
    ("accent-ink", "accent", TEXT),
    ("accent-soft-ink", "accent-soft", TEXT),
    *((f"{name}", name.removesuffix("-ink"), TEXT) for name in COLOURS if name.endswith("-ink")),
    *((name, "surface", SHAPE) for name in COLOURS if name.startswith("chart-")),
    *(("ink", name, TEXT) for name in COLOURS if name.startswith("heat-")),
    *((edge, on, SHAPE) for edge, on in product(("line-strong", "focus"), ("ground", "surface"))),
    *((name, "surface", TEXT) for name in ("warn-ink", "bad-ink")),
]
UNNAMED = """() =>
    [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href], summary')]
    .filter((each) => each.checkVisibility())
    .filter((each) => !(each.labels?.length || each.textContent.trim() || each.getAttribute('aria-label')
        || each.getAttribute('aria-labelledby')))
    .map((each) => each.outerHTML)"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
DOUBLE_IDS = """() => { const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);
    return ids.filter((id, at) => ids.indexOf(id) !== at) }"""


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(("ink", "on", "least"), PAIRS)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_that_meet_can_be_told_apart(ink: str, on: str, least: float, theme: int) -> None:
    assert contrast(COLOURS[ink][theme], COLOURS[on][theme]) >= least, f"--{ink} on --{on}"


async def paths(site: Site) -> list[str]:
    anna, _ = await site.services.directory.add("Anna", frozenset({Role.LEAD}), by=SYSTEM)
    return ["/people", f"/people/{anna.id}", "/password", "/nothing-here"]


@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
async def test_controls_have_names_and_pages_one_heading_and_no_sideways_scroll(
    site: Site, open_page: OpenPage, viewport: dict[str, int] | None
) -> None:
    page = await open_page("/sign-in", viewport=viewport)
    await check(page)
    for path in await paths(site):
        await check(await open_page(path, "admin", viewport=viewport, allowed=("404",)))


async def check(page: Page) -> None:
    assert await page.evaluate(UNNAMED) == []
    assert await page.evaluate(DOUBLE_IDS) == []
    assert await page.evaluate(WIDER) <= 0
    assert await page.locator("h1:visible").count() == 1
    assert await page.locator("main").count() == 1
    assert await page.locator("html").get_attribute("lang") == "en"
    assert (await page.title()).endswith("· Assay")


async def test_the_keyboard_reaches_everything(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/people", "admin")
    await press(page, "Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await press(page, "Enter")
    await expect(page.locator("main")).to_be_focused()
    await press(page, "?")
    keys = page.get_by_role("dialog", name="Keys on this page")
    await expect(keys).to_contain_text("Go to People")
    await expect(keys).to_contain_text("Add somebody")
    await press(page, "Escape")
    await expect(keys).to_be_hidden()
    await press(page, "n")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("g e?")
    await expect(page.get_by_label("Name")).to_have_value("g e?")
    await press(page, "Escape")
    await press(page, "j")
    await expect(page.get_by_role("link", name="admin")).to_be_focused()
    await press(page, "Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("admin")
    await press(page, "g")
    await press(page, "e")
    await expect(page).to_have_url(f"{site.url}/people")


async def test_a_confirmation_asks_and_no_is_no(site: Site, open_page: OpenPage) -> None:
    anna, _ = await site.services.directory.add("Anna", frozenset({Role.LEAD}), by=SYSTEM)
    page = await open_page(f"/people/{anna.id}", "admin")
    await page.get_by_role("button", name="Disable").click()
    ask = page.get_by_role("dialog", name="Are you sure?")
    await expect(ask).to_contain_text("Anna will be signed out at once.")
    await ask.get_by_role("button", name="Cancel").click()
    assert not (await site.services.directory.find(anna.id)).disabled
    await page.get_by_role("button", name="Disable").click()
    await ask.get_by_role("button", name="Disable").click()
    await expect(page.get_by_text("Anna is signed out and can't sign in any more.")).to_be_visible()
    assert (await site.services.directory.find(anna.id)).disabled


async def test_on_a_narrow_screen_the_menu_opens_without_a_mouse(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/people", "admin", viewport=NARROW)
    menu = page.get_by_text("Menu", exact=True)
    await menu.focus()
    await press(page, "Enter")
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="People").click()
    await expect(page).to_have_url(f"{site.url}/people")


async def test_paper_holds_the_content_alone(open_page: OpenPage) -> None:
    page = await open_page("/people", "admin")
    await page.emulate_media(media="print")
    await expect(page.get_by_role("table")).to_be_visible()
    await expect(page.get_by_role("button", name="Add")).to_be_hidden()
    await expect(page.get_by_role("link", name="Assay")).to_be_hidden()


async def test_pages_work_without_the_script(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/people", "admin", script=False)
    await page.get_by_label("Name").fill("Anna")
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Anna is added")
    assert await site.services.directory.named("Anna")


async def test_names_that_look_like_markup_are_words(site: Site, open_page: OpenPage) -> None:
    name = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
    person, _ = await site.services.directory.add(name, frozenset({Role.LEAD}), by=SYSTEM)
    page = await open_page("/people", "admin")
    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await page.get_by_role("button", name="Save roles").click()
    await expect(page.get_by_role("dialog")).to_contain_text(name)
    assert (await site.services.directory.find(person.id)).name == name
