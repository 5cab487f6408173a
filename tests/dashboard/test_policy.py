"""Policy in a real browser: written, checked, backtested, promoted with confirmation, rolled back."""

import re

import pytest_asyncio
from playwright.async_api import expect

from service.policy.document import DEFAULT
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import Client, OpenPage, Site
from tests.dashboard.keyboard import press

DOCUMENT = DEFAULT.read_text(encoding="utf-8")
STRICTER = DOCUMENT.replace("  hate: 0.90", "  hate: 0.80")


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def enrolled(site: Site) -> None:
    """The policy file is a version, as in a front that runs."""
    await site.services.governing.enrol()


async def test_a_lead_of_policy_sees_what_a_change_does_before_it_does_it(site: Site, open_page: OpenPage) -> None:
    await open_cases(site, [post_of(number) for number in range(4)], "fraud")
    page = await open_page("/policy", "policy")
    await expect(page.get_by_text("Nobody changed anything").or_(page.get_by_text("Who changed what"))).to_be_visible()
    await press(page, "n")
    await page.get_by_label("The policy document").fill(STRICTER.replace("value: 0.90", "value: 0.99", 2))
    await page.get_by_label("What you change, and why").fill("Less of fraud")
    await page.get_by_role("button", name="Keep as a version").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("default, version 2")
    await expect(page.locator("section:has(#changes)")).to_contain_text("hate falls from 0.90 to 0.80")
    await page.locator("#main").focus()
    await press(page, "k")
    await expect(page.locator("section:has(#would)")).to_contain_text("This change flips")
    await press(page, "w")
    await expect(page.get_by_role("status").first).to_contain_text("runs in shadow")
    made = (await site.services.governing.versions())[0]
    await page.goto(f"/policy/versions/{made.version}")
    await press(page, "y")
    await expect(page.get_by_role("dialog")).to_contain_text(
        "version 2 will decide instead of version 1", ignore_case=True
    )
    await press(page, "Enter")
    await expect(page).to_have_url(re.compile("/policy$"))
    assert (await site.services.governing.live()).version == made.version
    await page.get_by_role("button", name="Roll back").click()
    await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await expect(page.get_by_role("status").first).to_contain_text("Rolled back")
    assert (await site.services.governing.live()).number == 1
    changes = [change.act.value for change in await site.services.governing.changes()]
    assert changes[:3] == ["ROLL_BACK", "PROMOTE", "SHADOW"]


async def test_mistakes_are_named_with_line_and_key(open_page: OpenPage) -> None:
    page = await open_page("/policy/write", "policy")
    await page.get_by_label("The policy document").fill(DOCUMENT.replace("then: LABEL", "then: LABLE", 1))
    await page.get_by_role("button", name="Check and try").click()
    await expect(page.get_by_role("alert")).to_contain_text(re.compile(r"line \d+, .*then"))
    await expect(page.get_by_label("The policy document")).to_have_value(re.compile("LABLE"))


async def test_no_worker_and_it_says_so(open_page: OpenPage) -> None:
    page = await open_page("/policy/write", "policy", allowed=("400",))
    await press(page, "t")
    await page.get_by_label("Posts, one a line").fill("Some words to try")
    await page.get_by_role("button", name="Check and try").click()
    await expect(page.get_by_role("alert")).to_contain_text("workers")


async def test_who_may_not_promote_is_not_offered_it(site: Site, client_of: Client, open_page: OpenPage) -> None:
    made = await site.services.governing.create(STRICTER, author="m-9")
    page = await open_page(f"/policy/versions/{made.version}", "viewer")
    await expect(page.get_by_role("button", name="Promote")).to_have_count(0)
    client = await client_of("moderator")
    refused = await client.post(f"/policy/versions/{made.version}/promote", data={"note": ""})
    assert refused.status_code == 403
    assert (await site.services.governing.live()).number == 1


async def test_somebody_promoted_meanwhile(site: Site, client_of: Client) -> None:
    first = await site.services.governing.live()
    one = await site.services.governing.create(STRICTER, author="m-9")
    two = await site.services.governing.create(DOCUMENT.replace("  sexual: 0.95", "  sexual: 0.90"), author="m-9")
    await site.services.governing.promote(one.version, actor="m-8")
    client = await client_of("policy")
    late = await client.post(f"/policy/versions/{two.version}/promote", data={"live": first.version})
    assert late.status_code == 409
    assert (await site.services.governing.live()).version == one.version
