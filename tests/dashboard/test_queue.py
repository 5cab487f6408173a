"""The queue in a real browser: decided by keyboard alone, by two people at once, whatever a post holds."""

import asyncio
import re
from dataclasses import replace

from playwright.async_api import Page, Route, expect

from service.domain.decision import Decision
from service.domain.post import Context
from service.domain.verdict import Source, VerdictFilter
from service.review.case import CaseFilter, CaseState
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import NARROW, Client, OpenPage, Site
from tests.dashboard.keyboard import begin, decide, press

ALL = VerdictFilter()
HELD = CaseFilter(states=(CaseState.OPEN,))


async def test_nothing_waits_and_it_says_so(open_page: OpenPage) -> None:
    page = await open_page("/queue", "moderator")
    await expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    await expect(page.get_by_role("button", name="Begin")).to_be_disabled()


async def test_ten_cases_are_decided_without_the_mouse_and_the_last_is_undone(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(11)], "fraud")
    page = await open_page("/queue", "moderator")
    await begin(page)
    decided = [await decide(page, key) for key in "1945945941"]
    assert len(set(decided)) == 10
    verdicts = await site.store.page(ALL, before=None, limit=50)
    people = [verdict for verdict in verdicts if verdict.source is Source.MODERATOR]
    assert len(people) == 10
    assert sum(verdict.decision is Decision.ALLOW for verdict in people) == 2
    assert {verdict.ruling.reason for verdict in people} == {"no-violation", "fraud", "hate", "harassment"}
    await press(page, "u")
    await expect(page.locator("#case")).to_have_attribute("data-case", decided[-1])
    verdicts = await site.store.page(ALL, before=None, limit=50)
    assert sum(verdict.source is Source.MODERATOR for verdict in verdicts) == 9


async def test_a_reason_that_needs_a_rationale_asks_for_it(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(1)])
    page = await open_page("/queue", "moderator")
    await begin(page)
    await press(page, "2")
    await expect(page.get_by_role("alert")).to_contain_text("Rationale")
    await expect(page.get_by_label("Rationale")).to_be_focused()
    await page.keyboard.type("Malaria isn't cured by bleach; the WHO says so.")
    await press(page, "Escape")
    await press(page, "2")
    await expect(page).to_have_url(re.compile(r"/queue\?"))
    await expect(page.get_by_role("status").first).to_contain_text("Nothing more is free")
    [verdict] = await site.store.page(ALL, before=None, limit=5)
    assert (verdict.decision, verdict.ruling.reason) == (Decision.LABEL, "misinformation")


async def test_a_decision_for_one_post_leaves_others_with_the_text(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number, "the same words that harm people") for number in (1, 2)], "hate")
    page = await open_page("/queue", "moderator")
    await begin(page)
    await page.get_by_label("For", exact=True).select_option("POST")
    await page.get_by_label("Do", exact=True).select_option("REDUCE")
    await page.locator("#main").focus()
    await decide(page, "4")
    verdicts = await site.store.page(ALL, before=None, limit=5)
    assert sorted(verdict.decision for verdict in verdicts) == [Decision.REDUCE, Decision.REVIEW]


async def test_a_grave_text_is_blurred_until_it_is_asked_for(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(1, "I will come and hurt you")], "violence")
    page = await open_page("/queue", "moderator")
    await begin(page)
    text = page.locator(".post-text")
    await expect(text).to_have_class(re.compile("veiled"))
    await press(page, "v")
    await expect(text).not_to_have_class(re.compile("veiled"))
    await press(page, "w")
    await expect(page.locator(".case")).to_have_class(re.compile("colourless"))


async def test_skipped_and_handed_over_cases_go_to_others(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(3)], "fraud")
    other = await site.person("moderator", name="colleague")
    page = await open_page("/queue", "moderator", name="first")
    await begin(page)
    skipped = await page.locator("#case").get_attribute("data-case")
    await press(page, "s")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await press(page, "Enter")
    await expect(page.locator("#case")).not_to_have_attribute("data-case", str(skipped))
    handed = await page.locator("#case").get_attribute("data-case")
    await press(page, "h")
    await page.get_by_label("To", exact=True).select_option(other.id)
    await page.get_by_label("Note for them").fill("You know this advertiser.")
    await page.get_by_role("dialog").get_by_role("button", name="Hand over").click()
    await expect(page.locator("#case")).not_to_have_attribute("data-case", str(handed))
    held = await site.services.reviewing.cases(replace(HELD, moderator=other.id))
    assert [case.id for case in held] == [handed]
    notes = await site.services.reviewing.notes([held[0].name])
    assert [note.text for note in notes] == ["You know this advertiser."]


async def test_two_moderators_never_see_one_case(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(6)], "fraud")
    pages = [await open_page("/queue", "moderator", name=name) for name in ("one", "two")]
    for page in pages:
        await begin(page)
    decided: list[str] = []
    for _ in range(2):
        shown = [await page.locator("#case").get_attribute("data-case") for page in pages]
        assert shown[0] != shown[1]
        decided += [await decide(page, "9") for page in pages]
    assert len(set(decided)) == 4


async def test_a_case_that_was_lost_meanwhile_is_told_and_the_next_comes(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(2)], "fraud")
    page = await open_page("/queue", "moderator", name="slow")
    await begin(page)
    case_id = await page.locator("#case").get_attribute("data-case")
    slow, quick = [await site.person("moderator", name=name) for name in ("slow", "quick")]
    await site.services.reviewing.hand_over(str(case_id), slow.id, to=quick.id)
    await decide(page, "9")
    await expect(page.get_by_role("status").first).to_contain_text("lease")
    verdicts = await site.store.page(ALL, before=None, limit=5)
    assert all(verdict.source is Source.MODEL for verdict in verdicts)


async def test_a_second_opinion_hides_the_first(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(1)], "hate")
    first = await open_page("/queue", "moderator", name="first")
    await begin(first)
    await press(first, "o")
    await press(first, "4")
    await expect(first).to_have_url(re.compile(r"/queue\?"))
    second = await open_page("/queue", "moderator", name="second")
    await begin(second)
    await expect(second.locator("#earlier + p, section:has(#earlier)").last).not_to_contain_text("by m-")
    await press(second, "4")
    await expect(second).to_have_url(re.compile(r"/queue\?"))
    [verdict] = await site.store.page(ALL, before=None, limit=5)
    assert verdict.decision is Decision.BLOCK


async def test_a_colleague_who_decides_the_same_text_takes_the_case_along(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number, "one text for both") for number in (1, 2)], "fraud")
    await open_cases(site, [post_of(3, "another one")], "fraud")
    one, two = [await open_page("/queue", "moderator", name=name) for name in ("one", "two")]
    for page in (one, two):
        await begin(page)
    held = {await page.locator("#case").get_attribute("data-case") for page in (one, two)}
    cases = {case.id: case.content_digest for case in await site.services.reviewing.cases(HELD)}
    if len({cases[str(each)] for each in held}) == 2:  # one of them got the other text: give it back
        await decide(
            two
            if cases[str(await two.locator("#case").get_attribute("data-case"))]
            != post_of(1, "one text for both").content_digest
            else one,
            "9",
        )
    await decide(one, "9")
    await decide(two, "9")
    verdicts = await site.store.page(ALL, before=None, limit=9)
    assert sum(verdict.source is Source.MODERATOR for verdict in verdicts) >= 2


async def test_a_key_that_is_held_decides_once(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(6)], "fraud")
    page = await open_page("/queue", "moderator")
    await begin(page)
    before = await page.locator("#case").get_attribute("data-case")
    await page.keyboard.down("9")
    for _ in range(5):
        await page.keyboard.down("9")  # repeats, since it is down already
    await expect(page.locator("#case")).not_to_have_attribute("data-case", str(before))
    for _ in range(5):
        await page.keyboard.down("9")
    await page.keyboard.up("9")
    await expect(page.locator("#case[aria-busy]")).to_have_count(0)
    await page.wait_for_timeout(300)
    verdicts = await site.store.page(ALL, before=None, limit=9)
    assert sum(verdict.source is Source.MODERATOR for verdict in verdicts) == 1


MANY = 9


async def begin_with_one_ahead(site: Site, page: Page, kind: str = "fraud") -> tuple[str, str]:
    """Begin where many wait; the case that is shown, and the one that was made ready to follow."""
    await open_cases(site, [post_of(number) for number in range(MANY)], kind)
    await page.reload()
    await begin(page)
    await expect(page.locator("#case")).to_have_attribute("data-ahead", "")
    shown = str(await page.locator("#case").get_attribute("data-case"))
    held = await site.services.reviewing.cases(replace(HELD, moderator=(await site.person("moderator")).id))
    [following] = {case.id for case in held} - {shown}
    return shown, following


async def test_the_next_case_is_there_before_the_server_has_answered(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/queue", "moderator")
    first, second = await begin_with_one_ahead(site, page)
    held, answer = asyncio.Event(), asyncio.Event()

    async def wait(route: Route) -> None:
        held.set()
        await answer.wait()
        await route.continue_()

    await page.route("**/decide*", wait)
    await press(page, "9")
    async with asyncio.timeout(20):
        await held.wait()
    case = page.locator("#case")
    await expect(case).to_have_attribute("data-case", second)
    await expect(case).to_have_attribute("aria-busy", "true")
    await expect(page).to_have_url(re.compile(f"/queue/cases/{second}"))
    await press(page, "9")  # nothing yet: the first must hold before
    answer.set()
    await expect(case).not_to_have_attribute("aria-busy", "true")
    await expect(page.locator("#said")).to_contain_text("Decided.")
    me = (await site.person("moderator")).id
    assert (await site.services.reviewing.find(first)).state is CaseState.DECIDED
    assert (await site.services.reviewing.find(second)).holder == me
    assert await decide(page, "9") == second
    assert (await site.services.reviewing.find(second)).state is CaseState.DECIDED


async def test_a_decision_that_did_not_arrive_brings_its_case_back(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/queue", "moderator", allowed=("ERR_FAILED",))
    first, _ = await begin_with_one_ahead(site, page)
    await page.route("**/decide*", lambda route: route.abort())
    await page.keyboard.press("9")
    await expect(page.locator("#said")).to_contain_text("does not answer")
    await expect(page.locator("#case")).to_have_attribute("data-case", first)
    await expect(page).to_have_url(re.compile(f"/queue/cases/{first}"))
    await page.unroute("**/decide*")
    assert await decide(page, "9") == first


async def test_the_case_made_ready_gives_way_when_it_was_lost(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/queue", "moderator")
    first, second = await begin_with_one_ahead(site, page)
    me, colleague = await site.person("moderator"), await site.person("moderator", name="colleague")
    await site.services.reviewing.hand_over(second, me.id, to=colleague.id)
    await press(page, "9")
    case = page.locator("#case")
    await expect(case).not_to_have_attribute("data-case", re.compile(f"{first}|{second}"))
    await expect(page.get_by_role("status").first).to_contain_text("Decided.")
    assert (await site.services.reviewing.find(second)).holder == colleague.id


async def test_what_needs_a_rationale_is_not_taken_for_decided(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/queue", "moderator")
    first, second = await begin_with_one_ahead(site, page, "misinformation")
    await press(page, "2")
    await expect(page.get_by_role("alert")).to_contain_text("Rationale")
    await expect(page.locator("#case")).to_have_attribute("data-case", first)
    assert (await site.services.reviewing.find(second)).state is CaseState.OPEN


async def test_nobody_works_ahead_where_few_wait(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(4)], "fraud")
    page = await open_page("/queue", "moderator")
    async with page.expect_response("**/ahead*") as answered:
        await begin(page)
    assert (await answered.value).status == 204
    held = await site.services.reviewing.cases(replace(HELD, moderator=(await site.person("moderator")).id))
    assert len(held) == 1


async def test_undoing_a_bulk_decision_leaves_the_case(site: Site, open_page: OpenPage) -> None:
    await open_cases(
        site, [post_of(number, f"Send one coin, get two {number}") for number in range(3)], "fraud", cluster="f" * 32
    )
    await open_cases(site, [post_of(9, "Something else")], "hate")
    page = await open_page("/queue/clusters/" + "f" * 32, "lead")
    await press(page, "9")
    await expect(page.get_by_text("3 posts with 3 texts")).to_be_visible()
    await press(page, "y")
    await press(page, "Enter")
    await expect(page).to_have_url(re.compile("/queue$"))
    await begin(page)
    await press(page, "u")
    await expect(page.get_by_role("status").first).to_contain_text("The bulk decision is taken back")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
    verdicts = await site.store.page(ALL, before=None, limit=9)
    assert {verdict.decision for verdict in verdicts} == {Decision.REVIEW}


async def test_nothing_to_undo_and_it_says_so(open_page: OpenPage) -> None:
    page = await open_page("/queue", "moderator")
    await press(page, "u")
    await expect(page.get_by_role("status").first).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")


SCRIPT = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"'><svg onload=window.pwned=1>"


async def test_nothing_that_a_post_holds_runs(site: Site, open_page: OpenPage) -> None:
    post = post_of(
        1,
        f"{SCRIPT} and more words to read",
        author=f"a{SCRIPT}"[:200],
        region="DE",
        locale="en",
        metadata={f"key{SCRIPT}"[:100]: SCRIPT, "reach": SCRIPT},
        context=Context(*([SCRIPT] * 5)),
    )
    await open_cases(site, [post], "hate")
    about = f"platforms/example/authors/{post.author}"
    await site.services.reviewing.add_note(post.name, "m-1", SCRIPT)
    await site.services.reviewing.add_note(about, "m-1", SCRIPT)
    page = await open_page("/queue", "moderator")
    await begin(page)
    await expect(page.locator(".post-text")).to_contain_text("<script>")
    for path in (f"/posts/{post.name}", "/live", "/search?text=script", "/search?text=" + "%3Cscript%3E"):
        await page.goto(path)
        assert await page.evaluate("window.pwned") is None
        assert await page.locator("img, svg[onload], main script").count() == 0


async def test_a_cluster_is_decided_once_it_was_previewed(site: Site, open_page: OpenPage) -> None:
    posts = [post_of(number, f"Send one coin, get two back {number}") for number in range(5)]
    await open_cases(site, posts, "fraud", cluster="f" * 32)
    page = await open_page("/queue", "lead")
    await begin(page)
    await press(page, "c")
    await expect(page).to_have_url(re.compile("/queue/clusters/"))
    await press(page, "9")
    await expect(page.get_by_text("5 posts with 5 texts")).to_be_visible()
    await press(page, "y")
    await press(page, "Enter")
    await expect(page).to_have_url(re.compile("/queue$"))
    verdicts = await site.store.page(ALL, before=None, limit=9)
    assert [verdict.decision for verdict in verdicts] == [Decision.BLOCK] * 5


async def test_it_works_on_a_phone_and_without_the_script(site: Site, client_of: Client, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(2)], "fraud")
    page = await open_page("/queue", "moderator", viewport=NARROW)
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    await begin(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    client = await client_of("moderator", name="plain")
    began = await client.post("/queue/next")
    assert began.status_code == 303
    done = await client.post(f"{began.headers['location']}/decide".replace("?", ""), data={"choice": "fraud"})
    assert done.status_code == 303
    verdicts = await site.store.page(ALL, before=None, limit=9)
    assert sorted(verdict.decision for verdict in verdicts) == [Decision.BLOCK, Decision.REVIEW]


async def test_only_those_who_decide_come_here(client_of: Client) -> None:
    viewer = await client_of("viewer")
    assert (await viewer.get("/queue")).status_code == 403
    moderator = await client_of("moderator")
    assert (await moderator.get("/queue/clusters/f")).status_code == 403
