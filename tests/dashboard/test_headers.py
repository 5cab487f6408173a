"""What every answer carries, and what the dashboard turns away: without a browser."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.dashboard.app import dashboard_app
from service.dashboard.csrf import token_for
from service.dashboard.headers import POLICY
from service.dashboard.middleware import MAX_BODY, STRANGERS, limit_for
from service.people.roles import Role
from service.runtime.http_listening import listening
from tests.dashboard.conftest import Client, Site

FORBIDDEN = (r"<style", r"\sstyle=", r"<script(?![^>]*\bsrc=)", r"\son[a-z]+=", r"javascript:", r"\|\s*safe\b")
TEMPLATES = Path(__file__).parents[2] / "service" / "dashboard" / "templates"


async def signed_in(site: Site, *roles: str) -> tuple[httpx.AsyncClient, str]:
    token = await site.token(*roles)
    client = httpx.AsyncClient(base_url=site.url, cookies={"assay": token})
    return client, token_for(token)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/people", "/nothing-here", "/static/assay.css", "/static/none.css"])
async def test_every_answer_has_the_headers(site: Site, client_of: Client, path: str) -> None:
    for client in (await client_of(), await client_of("admin")):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
        if not path.startswith("/static/"):
            assert headers["cache-control"] == "no-store"


async def test_static_files_are_kept_by_browsers_once_they_are_versioned(client_of: Client) -> None:
    client = await client_of()
    page = (await client.get("/sign-in")).text
    [url] = re.findall(r"/static/assay\.css\?v=[0-9a-f]{12}", page)
    assert "immutable" in (await client.get(url)).headers["cache-control"]
    assert (await client.get("/static/../app.py")).status_code == 404
    assert (await client.get("/static/%2e%2e/app.py")).status_code == 404


async def test_a_form_without_the_sessions_token_is_refused(site: Site, client_of: Client) -> None:
    client, token = await signed_in(site, "admin")
    fields = {"name": "Anna", "roles": "viewer"}
    other = token_for(await site.token("moderator"))
    for wrong in ({}, {"csrf": ""}, {"csrf": "guess"}, {"csrf": "ü"}, {"csrf": other}):
        answer = await client.post("/people", data={**fields, **wrong})
        assert answer.status_code == 403
        assert "load the page again" in answer.text
    assert (await client.post("/people", json=fields)).status_code == 403
    assert (await client.post("/people", files={"csrf": b"x"}, data=fields)).status_code == 403
    assert await site.services.directory.named("Anna") is None
    assert (await client.post("/people", data={**fields, "csrf": token})).status_code == 200
    fields["name"] = "Ben"
    assert (await client.post("/people", data=fields, headers={"X-CSRF-Token": token})).status_code == 200
    await client.aclose()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_form_of_another_site_is_refused_though_it_has_the_token(site: Site, headers: dict[str, str]) -> None:
    client, token = await signed_in(site, "admin")
    answer = await client.post("/sign-out", data={"csrf": token}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    own = {"Sec-Fetch-Site": "same-origin", "Origin": site.url}
    assert (await client.post("/sign-out", data={"csrf": token}, headers=own)).status_code == 303
    await client.aclose()


async def test_each_role_sees_what_its_rights_allow(site: Site, client_of: Client) -> None:
    for role in Role:
        client = await client_of(role)
        assert (await client.get("/people")).status_code == (200 if role is Role.ADMIN else 403)
        person = await site.person(role)
        for path in (f"/people/{person.id}/roles", f"/people/{person.id}/password"):
            answer = await client.post(path, data={"roles": "admin"})
            assert answer.status_code == 403 or role is Role.ADMIN
    stranger = await client_of()
    assert (await stranger.get("/people?after=x")).headers["location"] == "/sign-in?after=%2Fpeople%3Fafter%3Dx"
    assert (await stranger.get("/people", headers={"X-Assay-Script": "1"})).status_code == 401


async def test_errors_are_pages_that_say_what_to_do(client_of: Client) -> None:
    client = await client_of("admin")
    gone = await client.get("/people/m-none")
    assert gone.status_code == 404
    assert "there is no people/m-none" in gone.text
    assert (await client.get("/nowhere")).status_code == 404
    assert (await client.put("/people")).status_code == 405
    words = await client.get("/people/m-none", headers={"X-Assay-Script": "1"})
    assert words.headers["content-type"].startswith("text/plain")
    assert words.text == "there is no people/m-none"


async def test_a_request_that_is_too_large_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.dashboard.middleware.MAX_BODY", 1000)
    client, token = await signed_in(site, "admin")
    answer = await client.post("/people", data={"csrf": token, "name": "x" * 5000})
    assert answer.status_code == 413
    assert "too large" in answer.text
    await client.aclose()


async def test_cookies_are_closed_to_scripts_and_a_forged_proxy_is_not_believed(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url) as client:
        plain = (await client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})).headers
    assert plain["set-cookie"].startswith("assay-visitor=")
    assert "httponly" in plain["set-cookie"].lower()
    assert "samesite=lax" in plain["set-cookie"].lower()
    assert "secure" not in plain["set-cookie"].lower()
    assert "strict-transport-security" not in plain


async def test_behind_tls_cookies_go_over_tls_alone_and_to_this_host(site: Site) -> None:
    token = await site.token("admin")
    async with listening(dashboard_app(site.services), "127.0.0.1:0", proxies="127.0.0.1") as url:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            answer = await client.get("/sign-in")
            assert answer.headers["set-cookie"].startswith("__Host-assay-visitor=")
            assert "; secure" in answer.headers["set-cookie"].lower()
            assert "; path=/" in answer.headers["set-cookie"].lower()
            assert "domain" not in answer.headers["set-cookie"].lower()
            assert "strict-transport-security" in answer.headers
            assert (await client.get("/people", headers={"Cookie": f"assay={token}"})).status_code == 303
            assert (await client.get("/people", headers={"Cookie": f"__Host-assay={token}"})).status_code == 200


async def test_health_is_told_without_signing_in(client_of: Client) -> None:
    assert (await (await client_of()).get("/healthz")).text == "ok"


def test_no_template_holds_what_the_policy_forbids() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        for forbidden in (
            r"<style",
            r"\sstyle=",
            r"<script(?![^>]*\bsrc=)",
            r"\son[a-z]+=",
            r"javascript:",
            r"\|\s*safe\b",
        ):
            assert not re.search(forbidden, text, re.IGNORECASE), f"{path.name}: {forbidden}"
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL):
            assert "csrf()" in form, f"{path.name}: a form without its token"


async def chunks(size: int) -> AsyncIterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    for _ in range(0, size, 1 << 14):
        yield b"x" * (1 << 14)


FORM = {"content-type": "multipart/form-data; boundary=b"}


async def test_who_is_not_signed_in_may_bring_little(client_of: Client) -> None:
    stranger = await client_of()
    told = await stranger.post("/claims/import", content=b"x" * (STRANGERS + 1), headers=FORM)
    untold = await stranger.post("/claims/import", content=chunks(STRANGERS), headers=FORM)
    for answer in (told, untold):
        assert answer.status_code == 413
        assert "too large" in answer.text
        assert answer.headers["content-security-policy"] == POLICY


async def test_how_much_a_request_may_bring_is_said_by_route_and_right(site: Site, client_of: Client) -> None:
    lead, viewer = [await site.services.sign_in.session(await site.token(role)) for role in ("lead", "viewer")]
    assert limit_for("/claims/import", lead) == 64 << 20
    assert limit_for("/claims/import", viewer) == limit_for("/people", lead) == MAX_BODY
    assert limit_for("/claims/import", None) == STRANGERS
    assert (await (await client_of("lead")).post("/people", content=chunks(MAX_BODY), headers=FORM)).status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"no form at all", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", b"--b\r\nx: y\r\n\r\n"],
)
async def test_a_form_that_cannot_be_read_is_told_in_words(client_of: Client, body: bytes) -> None:
    client = await client_of("admin", csrf=False)
    answer = await client.post("/people", content=body, headers=FORM)
    assert answer.status_code in {400, 403}
    assert "<h1" in answer.text


async def test_a_field_that_is_too_long_is_told_in_words(client_of: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.dashboard.middleware._MAX_FIELD", 1000)
    client = await client_of("admin")
    answer = await client.post("/people", files={"file": b"x"}, data={"name": "x" * 2000})
    assert answer.status_code == 400
    assert "form" in answer.text
