"""The dashboard in a real browser: uvicorn on loopback, a record store on SQLite, Debian's Chromium, people signed in.

Everything runs on one event loop of the session, so a test may use the services directly. A message in the browser's
console, an error of a script or a breach of the Content-Security-Policy fails the test.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from prometheus_client import CollectorRegistry

from service.dashboard.app import dashboard_app
from service.dashboard.services import DashboardServices
from service.moderation.telemetry import TelemetryObserver
from service.people.person import Account, Person, new_id
from service.people.roles import Role
from service.people.sql.accounts import SqlPeople
from service.records.sql.store import SqlStore
from service.runtime.http_listening import listening
from service.runtime.settings import Settings
from service.runtime.wiring.connections import live_policy
from service.runtime.wiring.use_cases import casework, dashboard_services, governing
from tests.dashboard.season import fill
from tests.fakes.queue_and_cache import MemoryAnnouncer

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 20_000  # milliseconds: what fails then fails on a busy machine too
_LOOP = pytest.mark.asyncio(loop_scope="session")
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share a loop: the browser and the server live on it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(_LOOP, append=False)


@dataclass
class Site:
    """A dashboard that serves at `url`, and what stands behind it."""

    url: str
    services: DashboardServices
    store: SqlStore
    settings: Settings
    people: dict[str, Person] = field(default_factory=dict)

    async def person(self, *roles: Role | str, name: str = "") -> Person:
        """A person with those roles, the same each time they are asked for."""
        called = name or "-".join(sorted(roles))
        if called not in self.people:
            added = Person(
                id=new_id(),
                name=called,
                roles=frozenset(map(Role, roles)),
                created_at=datetime.now(UTC),
            )
            await SqlPeople.beside(self.store).add(Account(person=added, password=""), actor="system")
            self.people[called] = added
        return self.people[called]

    async def token(self, *roles: Role | str, name: str = "") -> str:
        """The token of a new session of such a person."""
        return await self.services.sign_in.begin(await self.person(*roles, name=name))


@pytest.fixture
def site_settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Settings of a dashboard over an empty record store. Override to change what a module's site is like."""
    return Settings(database_url=sqlite_url, redis_url="unix:///nowhere", data_dir=tmp_path)


async def services_on(settings: Settings, store: SqlStore) -> DashboardServices:
    """The services of a dashboard without Redis and without a front beside it."""
    live = await live_policy(settings, store)
    cases = casework(
        settings, store, routing=lambda: live.current.routing, observer=TelemetryObserver(CollectorRegistry())
    )
    policies = governing(settings, store)
    return dashboard_services(settings, store, MemoryAnnouncer(), policies=live, governing=policies, casework=cases)


@pytest_asyncio.fixture(loop_scope="session")
async def site(site_settings: Settings) -> AsyncIterator[Site]:
    """A dashboard that serves."""
    store = await SqlStore.connect(site_settings.database_url)
    services = await services_on(site_settings, store)
    async with listening(dashboard_app(services), "127.0.0.1:0") as url:
        yield Site(url, services, store, site_settings)
    await store.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def season_file(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A SQLite file with verdicts of two weeks, cases, appeals and golden items, to be copied."""
    path = tmp_path_factory.mktemp("season") / "season.db"
    shutil.copy(migrated, path)
    store = await SqlStore.connect(f"sqlite:///{path}")
    await fill(store, await services_on(Settings(database_url=f"sqlite:///{path}", redis_url="unix:///nowhere"), store))
    await store.close()
    return path


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    if not shutil.which(CHROMIUM):
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, site: Site) -> AsyncIterator[OpenPage]:
    """Opens a page in a browser profile of its own: `await open_page("/people", "admin")`.

    Roles say who is signed in (none: nobody), `name` tells two people of one role apart; `theme` and `viewport` set the
    look. `allowed` are parts of console messages that the test expects, such as "403"; `script` turns scripts off.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    async def make(
        path: str = "/",
        *roles: str,
        name: str = "",
        theme: str = "light",
        viewport: dict[str, int] | None = None,
        allowed: tuple[str, ...] = (),
        script: bool = True,
    ) -> Page:
        context = await browser.new_context(
            base_url=site.url,
            color_scheme=theme,  # type: ignore[arg-type]
            viewport=viewport or WIDE,  # type: ignore[arg-type]
            reduced_motion="reduce",
            java_script_enabled=script,
        )
        contexts.append(context)
        if roles:
            token = await site.token(*roles, name=name)
            await context.add_cookies([{"name": "assay", "value": token, "url": site.url}])
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)

        def note(words: str) -> None:
            if not any(part in words for part in allowed):
                wrong.append(words)

        page.on("pageerror", lambda error: note(f"script: {error}"))
        page.on("console", lambda line: note(f"console: {line.text}") if line.type in {"error", "warning"} else None)
        await page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (event) => console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )
        await page.goto(path)
        return page

    yield make
    for context in contexts:
        await context.close()
    assert not wrong, wrong


Client = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest_asyncio.fixture(loop_scope="session")
async def client_of(site: Site) -> AsyncIterator[Client]:
    """Makes HTTP clients without a browser: `await client_of("moderator")`; `csrf` sends the session's token."""
    from service.dashboard.csrf import token_for

    made: list[httpx.AsyncClient] = []

    async def make(*roles: str, name: str = "", csrf: bool = True) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=site.url)
        if roles:
            token = await site.token(*roles, name=name)
            client.cookies.set("assay", token)
            if csrf:
                client.headers["X-CSRF-Token"] = token_for(token)
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()
