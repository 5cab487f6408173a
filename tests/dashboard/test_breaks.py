"""Breaks: due after so many grave posts, and shown between cases."""

from playwright.async_api import expect

from service.dashboard.exposure import Exposure
from service.dashboard.services import BreakPolicy
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import OpenPage, Site
from tests.dashboard.keyboard import begin, decide, press


async def test_a_break_is_due_after_so_many_grave_posts() -> None:
    breaks = BreakPolicy(posts=2, rest=600)
    seen = Exposure().after_one(1000.0).after_one(1010.0)
    assert seen.due(breaks)
    assert not Exposure().after_one(1000.0).due(breaks)
    assert not seen.due(BreakPolicy(posts=0))
    resting = seen.rests(2000.0)
    assert resting.left(breaks, 2100.0) == 500.0
    assert resting.rests(3000.0) == resting
    assert resting.left(breaks, 9999.0) == 0.0


async def test_the_break_comes_between_cases(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number, f"I will hurt you, {number}") for number in range(3)], "violence")
    object.__setattr__(site.services, "breaks", BreakPolicy(posts=2, rest=600))
    page = await open_page("/queue", "moderator")
    await begin(page)
    await decide(page, "6")
    await press(page, "6")
    await expect(page.get_by_role("heading", level=1)).to_have_text("A break is due")
    await page.get_by_role("button", name="Go on all the same").click()
    await page.get_by_role("dialog").get_by_role("button", name="Go on all the same").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
