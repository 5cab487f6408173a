"""Claims in a real browser: imported, searched, quarantined and put back."""

from pathlib import Path

from playwright.async_api import expect

from service.domain.claim import Claim, ClaimState, Rating
from tests.dashboard.casework import open_cases, post_of
from tests.dashboard.conftest import Client, OpenPage, Site

BLEACH = Claim(
    id="bleach",
    claim="Drinking bleach <b>cures</b> malaria.",
    verdict="Pants on fire",
    publisher="Example Facts",
    url="https://check.example/bleach",
    rating=Rating.FALSE,
)
CSV = "id,claim,verdict,publisher,url\nc1,The moon is cheese,False,Facts,https://f.example/1\nc2,,False,Facts,\n"


async def test_no_claims_and_it_says_so(open_page: OpenPage) -> None:
    page = await open_page("/claims", "viewer")
    await expect(page.get_by_text("No claims yet")).to_be_visible()
    await expect(page.get_by_label("File")).to_have_count(0)


async def test_a_file_is_imported_and_its_bad_rows_are_named(site: Site, open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "claims.csv"
    file.write_text(CSV)
    page = await open_page("/claims", "policy")
    await page.get_by_label("File").set_input_files(file)
    await page.get_by_role("button", name="Import").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Imported")
    await expect(page.locator("section:has(#bad)")).to_contain_text("line 3")
    assert (await site.services.claims.find_claim("c1")).claim.claim == "The moon is cheese"


async def test_a_claim_is_quarantined_with_a_reason_and_put_back(site: Site, open_page: OpenPage) -> None:
    await site.services.claims.put([BLEACH])
    await open_cases(site, [post_of(1)])
    page = await open_page("/claims?query=malaria", "lead")
    await page.get_by_role("link", name="Drinking bleach").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(BLEACH.claim)
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_label("Quarantine it, because").fill("A song quotes it")
    await page.get_by_role("button", name="Quarantine").click()
    await page.get_by_role("dialog").get_by_role("button", name="Quarantine").click()
    await expect(page.get_by_text("A song quotes it")).to_be_visible()
    assert (await site.services.claims.find_claim("bleach")).state is ClaimState.QUARANTINED
    await page.get_by_role("button", name="Put it back").click()
    await page.get_by_role("dialog").get_by_role("button", name="Put it back").click()
    await expect(page.get_by_role("status").first).to_contain_text("weighs again")
    assert (await site.services.claims.find_claim("bleach")).state is ClaimState.ACTIVE


async def test_those_who_may_not_are_refused(site: Site, client_of: Client) -> None:
    await site.services.claims.put([BLEACH])
    viewer = await client_of("viewer")
    assert (await viewer.post("/claims/bleach/state", data={"reason": "no"})).status_code == 403
    lead = await client_of("lead")
    assert (await lead.post("/claims/bleach/state", data={"reason": " "})).status_code == 400
    assert (await lead.post("/claims/import")).status_code == 400
    assert (await lead.get("/claims/none-such")).status_code == 404
