"""Audit: what was done and read is listed, and the chain is checked, in a real browser."""

from playwright.async_api import expect
from sqlalchemy import text

from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import Client, OpenPage, Site
from tests.dashboard.keyboard import press


async def test_reading_a_post_is_an_entry(site: Site, open_page: OpenPage) -> None:
    post = post_of(1)
    await open_cases(site, [post], "hate")
    page = await open_page(f"/posts/{post.name}", "lead")
    lead = await site.person("lead")
    await page.goto("/audit?action=post.read")
    row = page.get_by_role("row").nth(1)
    await expect(row).to_contain_text(lead.id)
    await expect(row).to_contain_text(post.name)


async def test_the_chain_is_whole_and_a_noted_head_is_found(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/audit", "lead")
    head = await site.services.audit.head()
    await page.get_by_label("A digest that you noted").fill(head.digest)
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("status").first).to_contain_text("The chain is whole")


async def test_what_was_tampered_with_is_named(site: Site, open_page: OpenPage) -> None:
    page = await open_page("/audit", "lead")
    async with site.store.write() as tx:
        names = await tx.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"))
        for name in names.scalars().all():
            await tx.execute(text(f"DROP TRIGGER {name}"))
        await tx.execute(text("UPDATE audit SET actor = 'm-0' WHERE number = 1"))
    await press(page, "v")
    await expect(page.get_by_role("alert").or_(page.get_by_role("status")).first).to_contain_text(
        "Entry 1 does not hold"
    )


async def test_only_those_who_may_see_it(client_of: Client) -> None:
    moderator = await client_of("moderator")
    assert (await moderator.get("/audit")).status_code == 403
