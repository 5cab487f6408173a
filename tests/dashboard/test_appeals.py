"""Appeals in a real browser: decided by somebody other than who decided first, with a rationale."""

import re

from playwright.async_api import expect

from service.domain.decision import Decision
from service.review.appeal import AppealState
from service.review.case import Ruled
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import OpenPage, Site
from tests.dashboard.keyboard import press

STATEMENT = "It was a line from a film. <script>window.pwned=1</script>"


async def contested(site: Site, name: str) -> str:
    """Have that person block a post and its author contest it; the appeal's id."""
    await open_cases(site, [post_of(1)], "hate")
    person = await site.person("moderator", name=name)
    [case] = await site.services.reviewing.lease(person.id)
    await site.services.reviewing.decide(case.id, person.id, Ruled(decision=Decision.BLOCK, reason="hate"))
    return (await site.services.appealing.open(case.post.name, STATEMENT)).id


async def test_nothing_is_contested_and_it_says_so(open_page: OpenPage) -> None:
    page = await open_page("/appeals", "moderator")
    await expect(page.get_by_text("No appeals here")).to_be_visible()


async def test_another_upholds_it_by_keyboard(site: Site, open_page: OpenPage) -> None:
    appeal_id = await contested(site, "first")
    page = await open_page("/appeals", "moderator", name="second")
    await page.get_by_role("link", name="It was a line").click()
    await expect(page.get_by_text(STATEMENT)).to_be_visible()
    assert await page.evaluate("window.pwned") is None
    await press(page, "n")
    await expect(page).to_have_url(re.compile("/queue/cases/"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Appeal")
    await press(page, "r")
    await page.keyboard.type("The film is named in the post.")
    await press(page, "Escape")
    await press(page, "2")
    await expect(page.get_by_role("status").first).to_contain_text("The appeal is upheld")
    appeal = await site.services.appealing.find(appeal_id)
    assert (appeal.state, appeal.decision) == (AppealState.UPHELD, Decision.ALLOW)
    assert (await site.store.latest(appeal.post.name)).decision is Decision.ALLOW


async def test_who_decided_first_is_not_given_it(site: Site, open_page: OpenPage) -> None:
    appeal_id = await contested(site, "first")
    page = await open_page("/appeals", "moderator", name="first")
    await press(page, "n")
    await expect(page.get_by_role("status").first).to_contain_text("you decided first")
    assert (await site.services.appealing.find(appeal_id)).state is AppealState.OPEN


async def test_another_rejects_it_and_what_stood_stays(site: Site, open_page: OpenPage) -> None:
    appeal_id = await contested(site, "first")
    appeal = await site.services.appealing.find(appeal_id)
    before = await site.store.latest(appeal.post.name)
    page = await open_page(f"/appeals/{appeal_id}", "moderator", name="second")
    await press(page, "n")
    await expect(page.get_by_text("Contested:")).to_be_visible()
    await press(page, "1")
    await expect(page.get_by_role("alert")).to_contain_text("Rationale")
    await page.keyboard.type("No film is named, and it was said to a person.")
    await press(page, "Escape")
    await press(page, "1")
    await expect(page.get_by_role("status").first).to_contain_text("The appeal is rejected")
    assert (await site.services.appealing.find(appeal_id)).state is AppealState.REJECTED
    assert await site.store.latest(appeal.post.name) == before
