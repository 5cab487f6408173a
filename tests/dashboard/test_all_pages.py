"""Every page, wide and narrow, empty and with cases: names, one heading, no sideways scroll, and nothing that runs."""

import pytest
from playwright.async_api import Page, expect

from service.domain.claim import Claim
from service.domain.decision import Decision
from service.domain.post import Context, Post
from service.policy.document import DEFAULT
from service.review.case import Ruled
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import NARROW, OpenPage, Site
from tests.dashboard.keyboard import press
from tests.dashboard.test_look import check

SCRIPT = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"'><svg onload=window.pwned=1>"
PAGES = ("/queue", "/appeals?state=ALL", "/live", "/search", "/policy", "/policy/write", "/claims", "/audit", "/people")


def hostile(number: int) -> Post:
    """A post with a script in every field that takes any text; id, platform, region and locale take none."""
    return post_of(
        number,
        f"{SCRIPT} and more words to read, {number}",
        author=f"a{SCRIPT}"[:200],
        metadata={f"key{SCRIPT}"[:100]: SCRIPT},
        context=Context(*([SCRIPT] * 5)),
    )


async def filled(site: Site) -> list[str]:
    """A store with hostile posts, a case, an appeal, a claim and a version of the policy; the pages that show them."""
    await site.services.governing.enrol()
    posts = [hostile(number) for number in range(3)]
    await open_cases(site, posts, "hate", cluster="f" * 32)
    await site.services.claims.put(
        [Claim(id="bleach", claim=SCRIPT, title=SCRIPT, verdict=SCRIPT[:250], publisher=SCRIPT[:250])]
    )
    other = await site.person("moderator", name="first")
    [case] = await site.services.reviewing.lease(other.id)
    ruled = Ruled(decision=Decision.BLOCK, reason="hate", rationale=SCRIPT)
    await site.services.reviewing.decide(case.id, other.id, ruled)
    appeal = await site.services.appealing.open(case.post.name, SCRIPT)
    for about in (case.post.name, f"platforms/example/authors/{posts[0].author}"):
        await site.services.reviewing.add_note(about, other.id, SCRIPT)
    document = DEFAULT.read_text(encoding="utf-8").replace("  hate: 0.90", "  hate: 0.80")
    made = await site.services.governing.create(document, author=other.id, note=SCRIPT)
    await site.services.governing.set_shadow(made.version, actor=other.id)
    return [
        f"/appeals/{appeal.id}",
        f"/posts/{case.post.name}",
        f"/queue/cases/{case.id}",
        "/queue/clusters/" + "f" * 32,
        f"/policy/versions/{made.version}",
        "/policy/shadow",
        "/claims/bleach",
        "/search?text=script",
    ]


async def sound(page: Page) -> None:
    """The page holds to what all pages hold to, and nothing in it ran."""
    await check(page)
    assert await page.evaluate("window.pwned") is None
    assert await page.locator("img, svg[onload], main script").count() == 0


@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
async def test_empty_pages(site: Site, open_page: OpenPage, viewport: dict[str, int] | None) -> None:
    await site.services.governing.enrol()
    page = await open_page("/", "admin", viewport=viewport)
    for path in PAGES:
        await page.goto(path)
        await sound(page)


@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
async def test_pages_with_hostile_posts(site: Site, open_page: OpenPage, viewport: dict[str, int] | None) -> None:
    paths = await filled(site)
    page = await open_page("/", "admin", viewport=viewport, theme="dark")
    for path in (*PAGES, *paths):
        await page.goto(path)
        await sound(page)
    await page.goto("/queue")
    await press(page, "n")
    await expect(page.locator("#case")).to_be_visible()
    await sound(page)
