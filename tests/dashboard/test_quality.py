"""Quality and golden items in a browser: who sees what, with nothing and with a season, by keyboard, against markup."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect
from sqlalchemy import update

from service.dashboard.rendering import words
from service.domain.decision import Category, Decision
from service.domain.post import Post
from service.quality.opinions import Answer
from service.quality.sql.store import SqlQuality
from service.review.case import CaseFilter, Ruled
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.storage.tables.quality import GOLDEN_SHOWN
from service.storage.tables.review import CASE_DECISIONS
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import NARROW, Client, OpenPage, Site
from tests.dashboard.keyboard import press
from tests.dashboard.season import PEOPLE
from tests.dashboard.test_look import check
from tests.dashboard.test_overview import OVERLAPS

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"
FORM = {
    "text": "A text that is golden",
    "decision": "BLOCK",
    "categories": "FRAUD",
    "surface": "feed",
    "platform": "example",
}


class TestRights:
    async def test_moderators_see_neither_page(self, client_of: Client) -> None:
        moderator = await client_of("moderator")
        assert (await moderator.get("/quality")).status_code == 403
        assert (await moderator.get("/quality/golden")).status_code == 403
        assert (await moderator.post("/quality/golden", data=FORM)).status_code == 403

    async def test_policy_people_see_what_was_measured_and_no_golden_item(self, client_of: Client) -> None:
        policy = await client_of("policy")
        page = await policy.get("/quality")
        assert page.status_code == 200
        assert "/quality/golden" not in page.text
        assert (await policy.get("/quality/golden")).status_code == 403
        assert (await policy.post("/quality/golden/case", data={"case": "1"})).status_code == 403
        assert (await policy.post("/quality/golden/1/retire")).status_code == 403

    async def test_a_range_that_there_is_not_is_named(self, client_of: Client) -> None:
        lead = await client_of("lead")
        for asked in ("2y", "1h"):
            answer = await lead.get(f"/quality?range={asked}")
            assert answer.status_code == 400
            assert "7d, 30d, 90d" in answer.text


class TestWithNothing:
    @pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
    async def test_it_says_so_and_fits(self, open_page: OpenPage, viewport: dict[str, int] | None) -> None:
        page = await open_page("/quality", "lead", viewport=viewport)
        for said in ("Not enough data", "Nothing is flagged", "none decided yet", "No scores yet"):
            await expect(page.get_by_text(said).last).to_be_visible()
        await check(page)
        page = await open_page("/quality/golden", "lead", viewport=viewport)
        await expect(page.get_by_text("No golden items yet")).to_be_visible()
        await check(page)


class TestWithASeason:
    @pytest.fixture
    def site_settings(self, tmp_path: Path, season_file: Path) -> Settings:
        shutil.copy(season_file, tmp_path / "store.db")
        return Settings(
            database_url=f"sqlite:///{tmp_path / 'store.db'}", redis_url="unix:///nowhere", data_dir=tmp_path
        )

    async def test_all_that_is_measured_is_there(self, site: Site, open_page: OpenPage) -> None:
        page = await open_page("/quality", "lead")
        agreements = await site.services.quality.agreements()
        assert agreements.decisions.alpha is not None
        shown = f"{agreements.decisions.alpha:.2f}"
        await expect(page.locator(".stat", has_text="Agreement on the decision")).to_contain_text(shown)
        await expect(page.get_by_text("Recall can be estimated from the prevalence sample alone")).to_be_visible()
        accuracy = await site.services.quality.accuracy()
        table = page.get_by_role("region", name="Precision and recall by category")
        assert await table.get_by_role("row").count() == len(accuracy.categories) + 1
        await expect(table.get_by_role("rowheader", name="Fraud")).to_be_visible()
        await expect(page.locator(".stat", has_text="Appeals upheld")).to_contain_text("33%")
        await expect(page.get_by_role("img", name="Prevalence by category")).to_be_visible()
        fraud = page.get_by_role("group", name="Fraud", exact=True)
        await expect(fraud).to_contain_text("Large")
        await expect(fraud.get_by_role("img", name="Scores of Fraud")).to_be_visible()
        for moved in await site.services.quality.drift():
            card = page.get_by_role("group", name=words(moved.signal), exact=True)
            await expect(card).to_contain_text(moved.level.capitalize())

    async def test_ranges_and_golden_items_by_keyboard(self, site: Site, open_page: OpenPage) -> None:
        page = await open_page("/overview", "lead")
        await press(page, "g")
        await press(page, "u")
        await expect(page).to_have_url(f"{site.url}/quality")
        await press(page, "1")
        await expect(page).to_have_url(f"{site.url}/quality?range=7d")
        await press(page, "o")
        await expect(page).to_have_url(f"{site.url}/quality/golden")
        await press(page, "u")
        await expect(page).to_have_url(f"{site.url}/quality")

    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
    async def test_it_fits_and_words_do_not_run_into_each_other(
        self, open_page: OpenPage, viewport: dict[str, int] | None, theme: str
    ) -> None:
        for path in ("/quality", "/quality/golden"):
            page = await open_page(path, "lead", viewport=viewport, theme=theme)
            await check(page)
            assert await page.evaluate(OVERLAPS) == []

    async def test_scores_of_others_are_shown_and_never_ones_own(self, site: Site, open_page: OpenPage) -> None:
        scores = await site.services.quality.golden_scores()
        assert {score.moderator for score in scores} == set(PEOPLE)
        page = await open_page("/quality/golden", "lead")
        table = page.get_by_role("region", name="Golden items by moderator, last 90 days")
        for who in PEOPLE:
            await expect(table.get_by_role("rowheader", name=who)).to_be_visible()
        lead = await site.person("lead")
        quality = SqlQuality.beside(site.store)
        shown = (await quality.shown(datetime.now(UTC) - timedelta(days=90)))[0]
        async with site.store.write() as tx:
            for table_of in (GOLDEN_SHOWN, CASE_DECISIONS):
                of = table_of.c.moderator == shown.moderator
                await tx.execute(update(table_of).where(of).values(moderator=lead.id))
        await page.reload()
        await expect(page.get_by_role("rowheader", name=lead.id)).to_have_count(0)
        await expect(table.get_by_role("row")).to_have_count(len(PEOPLE))


class TestGoldenItems:
    async def test_a_text_is_added_and_retired_by_keyboard(self, site: Site, open_page: OpenPage) -> None:
        page = await open_page("/quality/golden", "lead")
        await press(page, "n")
        await page.keyboard.type("Send a deposit to claim your prize")
        await press(page, "Tab")
        await page.keyboard.type("Block")
        fraud = page.get_by_role("checkbox", name="Fraud")
        await fraud.focus()
        await press(page, "Space")
        await page.get_by_label("Note").first.focus()
        await page.keyboard.type("advance fee")
        await press(page, "Enter")
        await expect(page.get_by_text("The golden item is added. A worker reads it first.")).to_be_visible()
        [item] = await site.services.quality.golden_items()
        assert (item.answer, item.note) == (Answer(Decision.BLOCK, frozenset({Category.FRAUD})), "advance fee")
        assert item.added_by == (await site.person("lead")).id
        row = page.locator("tbody tr", has_text="Send a deposit")
        await expect(row).to_contain_text("being read")
        retire = row.get_by_role("button", name="Retire")
        await retire.focus()
        await press(page, "Enter")
        await page.get_by_role("dialog", name="Are you sure?").get_by_role("button").first.press("Enter")
        await expect(page.get_by_text("The item is retired.")).to_be_visible()
        await expect(page.get_by_text("No golden items yet")).to_be_visible()
        await page.get_by_role("link", name="With the retired ones").press("Enter")
        await expect(page.locator("tbody tr", has_text="Send a deposit")).to_contain_text("retired")

    async def test_what_does_not_do_is_said_and_what_was_typed_is_kept(self, client_of: Client) -> None:
        lead = await client_of("lead")
        answer = await lead.post("/quality/golden", data={**FORM, "categories": []})
        assert answer.status_code == 400
        assert "are missing for BLOCK" in answer.text
        assert FORM["text"] in answer.text
        for wrong, said in (
            ({"text": "  "}, "is empty"),
            ({"decision": "REVIEW"}, "no person decides"),
            ({"decision": "SHRUG"}, "none that there is"),
            ({"categories": "SMELL"}, "none that there is"),
            ({"surface": "moon"}, "none that there is"),
            ({"platform": "No Platform"}, "platforms/"),
            ({"locale": "??"}, "BCP 47"),
            ({"note": "x" * 5000}, "over 4,096"),
        ):
            answer = await lead.post("/quality/golden", data={**FORM, **wrong})
            assert (answer.status_code, said in answer.text) == (400, True), wrong
        assert (await lead.post("/quality/golden", data=FORM)).status_code == 303
        again = await lead.post("/quality/golden", data=FORM)
        assert again.status_code == 409
        assert "golden item already" in again.text

    async def test_a_pasted_text_gets_names_like_those_of_real_posts(self, site: Site, client_of: Client) -> None:
        await open_cases(site, [Post(platform="birds", id="1795854", text="A real one", author="u-4711ab")])
        assert 'value="birds"' in (await (await client_of("lead")).get("/quality/golden")).text
        data = {name: value for name, value in FORM.items() if name != "platform"}
        assert (await (await client_of("lead")).post("/quality/golden", data=data)).status_code == 303
        [item] = await site.services.quality.golden_items()
        assert item.post.platform == "birds"
        assert (len(item.post.id), item.post.id.isdigit(), item.post.id != "1795854") == (7, True, True)
        assert (item.post.author[:2], len(item.post.author)) == ("u-", 8)

    async def test_a_decided_case_becomes_one(self, site: Site, open_page: OpenPage, client_of: Client) -> None:
        await open_cases(site, [post_of(1)])
        [case] = await site.services.reviewing.cases(CaseFilter())
        lead = await client_of("lead")
        early = await lead.post("/quality/golden/case", data={"case": case.id})
        assert early.status_code == 400
        assert "is not decided" in early.text
        await site.services.reviewing.lease("m-0a11ce00")
        said = Ruled(decision=Decision.LABEL, categories=(Category.MISINFORMATION,), reason="any")
        await SqlReview.beside(site.store).decide(case.id, "m-0a11ce00", said, seconds=3.0, opinion=False)
        page = await open_page(f"/quality/golden?case={case.name}", "lead")
        await expect(page.get_by_role("textbox", name="Case")).to_have_value(case.name)
        await press(page, "c")
        await press(page, "Enter")
        await expect(page.get_by_text("Moderators will meet it among their cases.")).to_be_visible()
        [item] = await site.services.quality.golden_items()
        assert item.answer == Answer(Decision.LABEL, frozenset({Category.MISINFORMATION}))
        assert (item.source, item.verdict and item.verdict.decision) == (case.name, Decision.REVIEW)
        await page.get_by_role("link", name="its case").press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Case")

    async def test_a_case_that_there_is_not(self, client_of: Client) -> None:
        lead = await client_of("lead")
        answer = await lead.post("/quality/golden/case", data={"case": "nowhere"})
        assert answer.status_code == 404
        assert 'value="nowhere"' in answer.text
        assert (await lead.post("/quality/golden/nowhere/retire")).status_code == 404

    async def test_what_looks_like_markup_is_words(self, site: Site, open_page: OpenPage) -> None:
        page = await open_page("/quality/golden", "lead", allowed=("400",))
        await page.get_by_role("textbox", name="Text").fill(EVIL)
        await page.get_by_label("Note").first.fill(EVIL)
        await page.get_by_label("Platform").fill(EVIL)
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("is not platforms/")
        await expect(page.get_by_role("textbox", name="Text")).to_have_value(EVIL)
        await expect(page.get_by_label("Platform")).to_have_value(EVIL[:63])
        await page.get_by_label("Platform").fill("example")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator("tbody tr", has_text="alert(1)")).to_contain_text(EVIL)
        assert await page.locator("main img, main script").count() == 0
        [item] = await site.services.quality.golden_items()
        assert (item.post.text, item.note) == (EVIL, EVIL)

    async def test_grave_texts_are_veiled_until_opened(self, site: Site, open_page: OpenPage) -> None:
        for place, category in enumerate((Category.SELF_HARM, Category.FRAUD)):
            await site.services.quality.add_golden(
                post_of(place, f"Text {place}"), Answer(Decision.BLOCK, frozenset({category})), by="m-1"
            )
        page = await open_page("/quality/golden", "lead")
        await expect(page.locator(".veiled")).to_have_text(["Text 0"])
        await page.locator("summary", has_text="Text 0").press("Enter")
        await expect(page.locator(".golden-text .post-text").filter(visible=True)).to_have_text("Text 0")
