"""Overview in a browser: with nothing, and with a season of real verdicts; by keyboard, on narrow screens, for ears."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from service.domain.decision import Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, verdict_on
from service.policy.routing import Routing
from service.quality.overview import Range
from service.quality.prevalence import Rates
from service.quality.sql.store import SqlQuality
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from tests.dashboard.casework import judged
from tests.dashboard.conftest import NARROW, Client, OpenPage, Site
from tests.dashboard.keyboard import press
from tests.dashboard.test_look import check

EVIL = "<img src=x onerror=alert(1)>"


async def number_in(page: Page, name: str) -> str:
    """The number of a tile."""
    tile = page.locator(".stat", has=page.locator("dt", has_text=name))
    return await tile.locator("dd").inner_text()


class TestWithNothing:
    @pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
    async def test_it_says_so_and_fits(self, open_page: OpenPage, viewport: dict[str, int] | None) -> None:
        page = await open_page("/overview", "viewer", viewport=viewport)
        await expect(page.get_by_text("No posts in the last 24 hours")).to_be_visible()
        await expect(page.get_by_text("Nothing is waiting.")).to_be_visible()
        assert await number_in(page, "Posts") == "0"
        await check(page)
        await page.get_by_role("link", name="The last 90 days").click()
        await expect(page.get_by_text("No posts in the last 90 days")).to_be_visible()

    async def test_who_may_see_it(self, client_of: Client) -> None:
        assert (await (await client_of("viewer")).get("/overview")).status_code == 200
        assert (await (await client_of()).get("/overview")).status_code == 303

    async def test_a_range_that_there_is_not_is_named(self, client_of: Client) -> None:
        answer = await (await client_of("viewer")).get("/overview?range=2y")
        assert answer.status_code == 400
        assert "1h, 6h, 24h, 7d, 30d, 90d" in answer.text

    async def test_names_that_look_like_markup_are_words(self, site: Site, open_page: OpenPage) -> None:
        post = Post(platform="example", id="1", text="A text")
        ruling, judgement = Ruling(Decision.REVIEW), replace(judged(post), model_version=EVIL)
        verdict = verdict_on(post, ruling, policy_version=EVIL, source=Source.MODEL, judgement=judgement)
        verdicts = await site.store.record([post], [verdict])
        await SqlQuality.beside(site.store).count(verdicts, Rates())
        await SqlReview.beside(site.store).open_cases([replace(case_for(post, verdicts[0], Routing()), queue=EVIL)])
        page = await open_page("/overview?range=1h", "viewer")
        versions = page.get_by_role("region", name="Versions of model and policy")
        await expect(versions.get_by_text(EVIL)).to_have_count(2)
        await expect(page.get_by_role("region", name="Queues").last.get_by_text(EVIL)).to_be_visible()
        assert await page.locator("main img").count() == 0


class TestWithASeason:
    @pytest.fixture
    def site_settings(self, tmp_path: Path, season_file: Path) -> Settings:
        shutil.copy(season_file, tmp_path / "store.db")
        return Settings(
            database_url=f"sqlite:///{tmp_path / 'store.db'}", redis_url="unix:///nowhere", data_dir=tmp_path
        )

    async def test_numbers_are_those_that_were_counted(self, site: Site, open_page: OpenPage) -> None:
        found = await site.services.quality.overview(Range.MONTH)
        assert found.posts > 600
        page = await open_page("/overview?range=30d", "viewer")
        assert (await number_in(page, "Posts")).startswith(str(found.posts))
        await expect(page.get_by_text("0.25 (large)")).to_be_visible()
        table = page.get_by_role("region", name="Decisions over time", exact=True).last
        await page.get_by_text("Numbers: Decisions over time").click()
        rows = table.get_by_role("row")
        assert await rows.count() == 31
        last = await rows.last.get_by_role("cell").all_inner_texts()
        assert last == [str(found.buckets[-1].decisions[each]) for each in reversed(Decision)]

    async def test_charts_have_names_for_whoever_hears_them(self, open_page: OpenPage) -> None:
        page = await open_page("/overview?range=30d", "viewer")
        for name in (
            "Decisions over time",
            "AI share and cache hits",
            "Latency",
            "Posts by category",
            "Posts by surface",
            "Prevalence by day",
            "Drift of scores",
        ):
            await expect(page.get_by_role("img", name=name, exact=True)).to_be_visible()
        shares = page.get_by_role("img", name="AI share and cache hits")
        about = await shares.locator("desc").text_content()
        assert about is not None
        assert "of what a model read was machine-written" in about

    async def test_ranges_by_keyboard(self, site: Site, open_page: OpenPage) -> None:
        page = await open_page("/overview", "moderator")
        for key, span in zip("123456", Range, strict=True):
            await press(page, key)
            await expect(page).to_have_url(f"{site.url}/overview?range={span}")
            await expect(page.locator('[aria-current="page"]').last).to_have_attribute(
                "href", f"/overview?range={span}"
            )
        await press(page, "g")
        await press(page, "o")
        await expect(page).to_have_url(f"{site.url}/overview")

    async def test_numbers_open_by_keyboard(self, open_page: OpenPage) -> None:
        page = await open_page("/overview?range=7d", "viewer")
        summary = page.get_by_text("Numbers: Latency")
        await summary.focus()
        await press(page, "Enter")
        await expect(page.get_by_role("columnheader", name="99%")).to_be_visible()

    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
    async def test_it_fits_and_words_do_not_run_into_each_other(
        self, open_page: OpenPage, viewport: dict[str, int] | None, theme: str
    ) -> None:
        page = await open_page("/overview?range=30d", "viewer", viewport=viewport, theme=theme)
        await check(page)
        assert await page.evaluate(OVERLAPS) == []

    async def test_it_works_without_the_script(self, open_page: OpenPage) -> None:
        page = await open_page("/overview?range=30d", "viewer", script=False)
        await expect(page.get_by_role("img", name="Latency")).to_be_visible()

    async def test_it_says_when_it_is_as_of_in_utc(self, open_page: OpenPage) -> None:
        page = await open_page("/overview", "viewer")
        await expect(page.get_by_text(f"As of {datetime.now(UTC):%Y-%m-%d}")).to_contain_text("UTC")


OVERLAPS = """() => [...document.querySelectorAll('svg.plot')].flatMap((plot) => {
    const texts = [...plot.querySelectorAll('text')].filter((each) => each.checkVisibility());
    const boxes = texts.map((each) => each.getBoundingClientRect());
    return texts.flatMap((one, i) => texts.slice(i + 1).filter((_, j) => {
        const [a, b] = [boxes[i], boxes[i + 1 + j]];
        return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
    }).map((other) => one.textContent + ' / ' + other.textContent));
})"""
"""Words of a chart that lie on other words of it."""
