"""Signing in through an OpenID provider that listens on loopback."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from service.errors import InvalidInput, NotAllowed, SignInRefused, Unavailable
from service.people.directory import SYSTEM
from service.people.oidc import OpenIdProvider, parsed_roles
from service.people.roles import Role
from service.people.sign_in import SignIn
from tests.people.conftest import People
from tests.people.openid import CLIENT, SECRET, OpenId, openid

BACK = "http://127.0.0.1:8080/sign-in/provider/back"


@pytest.fixture
async def provider() -> AsyncIterator[OpenId]:
    async with openid() as serving:
        yield serving


def sign_in_of(people: People, provider: OpenId, **options: Any) -> SignIn:
    adapter = OpenIdProvider(provider.url, client_id=CLIENT, client_secret=options.pop("secret", SECRET), **options)
    return SignIn(people.store, people.sessions, people.hasher, provider=adapter, now=people.clock.now)


async def travel(sign_in: SignIn, browser: str = "browser") -> tuple[str, str]:
    """What the browser brings back from the provider: state and code."""
    url = await sign_in.to_provider(BACK, browser, "/queue")
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
    location = urlsplit(answer.headers["location"])
    assert location._replace(query="").geturl() == BACK
    brought = {name: values[0] for name, values in parse_qs(location.query).items()}
    return brought["state"], brought["code"]


async def test_somebody_new_is_let_in_with_the_roles_of_the_provider(people: People, provider: OpenId) -> None:
    sign_in = sign_in_of(people, provider)
    provider.claims["roles"] = ["moderator", "lead", "unheard-of"]
    token, after = await sign_in.from_provider(*await travel(sign_in), "browser")
    session = await sign_in.session(token)
    assert session
    assert after == "/queue"
    person = session.person
    assert (person.name, person.issuer) == ("grace@example.org", provider.url)
    assert person.roles == {Role.MODERATOR, Role.LEAD}
    assert not person.one_time
    assert [entry.action for entry in await people.log()] == ["person.add", "person.sign_in"]


async def test_the_same_subject_is_the_same_person_with_the_roles_of_today(people: People, provider: OpenId) -> None:
    sign_in = sign_in_of(people, provider)
    await people.directory.first()
    first, _ = await sign_in.from_provider(*await travel(sign_in), "browser")
    before = await sign_in.session(first)
    provider.claims["roles"] = "viewer policy"
    second, _ = await sign_in.from_provider(*await travel(sign_in), "browser")
    after = await sign_in.session(second)
    assert before
    assert after
    assert before.person.id == after.person.id
    assert after.person.roles == {Role.VIEWER, Role.POLICY}
    assert await sign_in.session(first) is None


async def test_a_name_that_is_taken_does_not_make_one_person_of_two(people: People, provider: OpenId) -> None:
    local, _ = await people.directory.add("grace@example.org", frozenset({Role.ADMIN}), by=SYSTEM)
    sign_in = sign_in_of(people, provider)
    token, _ = await sign_in.from_provider(*await travel(sign_in), "browser")
    session = await sign_in.session(token)
    assert session
    assert session.person.id != local.id
    assert session.person.name.startswith("grace@example.org (")
    with pytest.raises(NotAllowed, match="provider"):
        await people.directory.reset_password(session.person.id, by=SYSTEM)


async def test_groups_are_mapped_and_nested_claims_found(people: People, provider: OpenId) -> None:
    roles = parsed_roles("trust team=moderator, leads=lead")
    sign_in = sign_in_of(people, provider, role_claim="realm_access.roles", role_of=roles, name_claim="name")
    provider.claims.update(realm_access={"roles": ["trust team", "admin"]}, name="Grace\x00 Hopper")
    token, _ = await sign_in.from_provider(*await travel(sign_in), "browser")
    session = await sign_in.session(token)
    assert session
    assert session.person.roles == {Role.MODERATOR}
    assert session.person.name == "Grace Hopper"


@pytest.mark.parametrize(
    "overrides",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": 1_700_000_000},
        {"sub": None},
        {"nonce": None},
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_is_refused(
    people: People, provider: OpenId, overrides: dict[str, Any]
) -> None:
    sign_in = sign_in_of(people, provider)
    provider.overrides = overrides
    with pytest.raises(SignInRefused, match="did not vouch"):
        await sign_in.from_provider(*await travel(sign_in), "browser")
    assert await people.log() == []


async def test_a_forged_token_a_wrong_secret_and_a_wrong_code_are_refused(people: People, provider: OpenId) -> None:
    sign_in = sign_in_of(people, provider)
    provider.forged = True
    with pytest.raises(SignInRefused):
        await sign_in.from_provider(*await travel(sign_in), "browser")
    provider.forged = False
    wrong = sign_in_of(people, provider, secret="wrong")
    with pytest.raises(SignInRefused):
        await wrong.from_provider(*await travel(wrong), "browser")
    state, _ = await travel(sign_in)
    with pytest.raises(SignInRefused):
        await sign_in.from_provider(state, "guessed", "browser")


async def test_an_answer_counts_once_in_the_browser_that_asked_and_for_ten_minutes(
    people: People, provider: OpenId
) -> None:
    sign_in = sign_in_of(people, provider)
    state, code = await travel(sign_in)
    with pytest.raises(SignInRefused, match="begun elsewhere"):
        await sign_in.from_provider(state, code, "another browser")
    state, code = await travel(sign_in)
    await sign_in.from_provider(state, code, "browser")
    with pytest.raises(SignInRefused, match="begun elsewhere"):
        await sign_in.from_provider(state, code, "browser")
    state, code = await travel(sign_in)
    people.clock.time += 601
    with pytest.raises(SignInRefused, match="too long ago"):
        await sign_in.from_provider(state, code, "browser")


async def test_who_has_no_role_or_is_disabled_stays_out(people: People, provider: OpenId) -> None:
    sign_in = sign_in_of(people, provider)
    await people.directory.first()
    token, _ = await sign_in.from_provider(*await travel(sign_in), "browser")
    session = await sign_in.session(token)
    assert session
    await people.directory.set_disabled(session.person.id, True, by=SYSTEM)
    with pytest.raises(SignInRefused, match="disabled"):
        await sign_in.from_provider(*await travel(sign_in), "browser")
    provider.claims.update(sub="2", roles=[])
    with pytest.raises(SignInRefused, match="no role here"):
        await sign_in.from_provider(*await travel(sign_in), "browser")


async def test_a_provider_that_is_away_is_unavailable(people: People) -> None:
    provider = OpenId()
    provider.url = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match="OpenID provider"):
        await sign_in_of(people, provider).to_provider(BACK, "browser", "/")
    with pytest.raises(NotAllowed, match="ASSAY_DASHBOARD_OIDC_ISSUER"):
        await people.sign_in.to_provider(BACK, "browser", "/")


@pytest.mark.parametrize("words", ["lead", "leads=boss", "=", "a=lead,b"])
def test_a_mapping_with_a_slip_is_refused(words: str) -> None:
    with pytest.raises(InvalidInput, match="VALUE=ROLE"):
        parsed_roles(words)


def test_a_provider_without_a_client_id_is_refused() -> None:
    with pytest.raises(InvalidInput, match="client_id"):
        OpenIdProvider("https://id.example.org", client_id="", client_secret="")
