"""Live, Search and a post's page in a real browser."""

import re

from playwright.async_api import expect

from service.domain.decision import Decision
from service.review.case import Ruled
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import NARROW, OpenPage, Site
from tests.dashboard.keyboard import press


async def test_empty_pages_say_what_comes(open_page: OpenPage) -> None:
    page = await open_page("/live", "viewer")
    await expect(page.get_by_text("No verdicts yet")).to_be_visible()
    await page.goto("/search")
    await expect(page.get_by_text("What are you looking for?")).to_be_visible()
    await page.goto("/search?author=nobody")
    await expect(page.get_by_text("Nothing is found")).to_be_visible()


async def test_verdicts_come_live_until_it_is_paused(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(1)])
    page = await open_page("/live", "viewer")
    rows = page.locator("#live tbody tr")
    await expect(rows).to_have_count(1)
    await open_cases(site, [post_of(2)], "hate")
    await site.services.announcer.announce()
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("Hate")
    await press(page, "p")
    await expect(page.get_by_role("button", name=re.compile("Go on"))).to_be_visible()


async def test_a_search_narrows_by_everything(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(4)])
    await open_cases(site, [post_of(9, "Nothing like the others", author="somebody")], "fraud")
    page = await open_page("/search?author=somebody", "viewer")
    await expect(page.get_by_role("row")).to_have_count(2)
    for query, found in (
        ("text=BLEACH", 4),
        ("category=FRAUD", 1),
        ("decision=REVIEW", 5),
        ("claim=bleach&category=MISINFORMATION", 4),
        ("surface=ad&text=a", 0),
        ("start=2020-01-01T00:00&end=2020-01-02T00:00", 0),
    ):
        await page.goto(f"/search?{query}")
        await expect(page.locator("tbody tr")).to_have_count(found)


async def test_a_wrong_filter_names_the_field(open_page: OpenPage) -> None:
    page = await open_page("/search?start=yesterday", "viewer", allowed=("400", "required format"))
    await expect(page.get_by_role("alert")).to_contain_text("Start")


async def test_a_posts_page_holds_the_whole_trace(site: Site, open_page: OpenPage) -> None:
    post = post_of(1, "Doctors hide that blеach cures malaria")
    await open_cases(site, [post, post_of(4)])
    page = await open_page(f"/posts/{post.name}", "moderator")
    main = page.locator("#main")
    for words in (
        "Repeats",
        "Drinking bleach cures malaria.",
        "Example Facts",
        "Homoglyph × 2",
        "Read as: Doctors hide that bleach cures malaria",
        "debunked-claim",
        "m1",
        "31 ms",
        "a-1",
    ):
        await expect(main).to_contain_text(words)
    await expect(page.locator("mark.cue")).to_have_count(1)
    await page.get_by_label("Leave a note").fill("Known from last week")
    await page.get_by_role("button", name="Keep the note").click()
    await expect(main).to_contain_text("Known from last week")


async def test_a_post_that_is_not_there(open_page: OpenPage) -> None:
    page = await open_page("/posts/platforms/x/posts/none", "viewer", allowed=("404",))
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")


async def test_they_fit_a_phone(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(3)])
    page = await open_page("/live", "viewer", viewport=NARROW, theme="dark")
    for path in ("/live", "/search?text=bleach", f"/posts/{post_of(1).name}", "/claims"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


async def test_a_post_whose_id_holds_percent_signs_is_found(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(1, id="https:%2F%2Fsocial.example%2F1")])
    page = await open_page("/live", "viewer")
    await page.locator("#live tbody a").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Post")


async def test_a_grave_text_is_blurred_in_lists_and_until_asked_for(site: Site, open_page: OpenPage) -> None:
    post = post_of(1, "I will come and hurt you")
    await open_cases(site, [post], "violence")
    page = await open_page("/search?text=hurt", "viewer")
    await expect(page.locator("tbody a").first).to_have_class("veiled")
    await page.goto(f"/posts/{post.name}")
    await expect(page.locator(".post-text")).to_have_class(re.compile("veiled"))
    await press(page, "v")
    await expect(page.locator(".post-text")).not_to_have_class(re.compile("veiled"))


async def test_a_lead_decides_again_and_the_trace_shows_all_verdicts(site: Site, open_page: OpenPage) -> None:
    post = post_of(1)
    await open_cases(site, [post], "fraud")
    person = await site.person("moderator", name="first")
    [case] = await site.services.reviewing.lease(person.id)
    await site.services.reviewing.decide(case.id, person.id, Ruled(decision=Decision.ALLOW, reason="no-violation"))
    page = await open_page(f"/posts/{post.name}", "lead")
    await expect(page.locator("section:has(#history) li")).to_have_count(2)
    await press(page, "a")
    await press(page, "Enter")
    await expect(page).to_have_url(re.compile("/queue/cases/"))
    await press(page, "9")
    await expect(page.get_by_role("status").first).to_contain_text("Decided.")
    assert (await site.store.latest(post.name)).decision is Decision.BLOCK
    await page.goto(f"/posts/{post.name}")
    await expect(page.locator("section:has(#history) li")).to_have_count(3)
