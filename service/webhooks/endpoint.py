"""Endpoints: where a platform is notified, of which events, and their limits. Standard library only."""

import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from service.domain.decision import Category, Decision
from service.domain.validation import check_text
from service.errors import InvalidInput
from service.webhooks.addresses import why_refused
from service.webhooks.event import EVENT_TYPES, Event, EventType

MAX_URL, MAX_DESCRIPTION = 2_048, 256
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL that gets events of these types; of first verdicts, only those that the filters let through.

    Empty `decisions` and `categories` do not narrow. They do not apply to revised verdicts: who learned that a post
    is blocked must learn that it no longer is. While it is not `enabled` nothing is sent or enqueued for it;
    `disabled_reason` says why if it was not a person who turned it off. `created_by` is a pseudonymous id.
    """

    id: str
    url: str
    events: tuple[EventType, ...]
    description: str = ""
    decisions: tuple[Decision, ...] = ()
    categories: tuple[Category, ...] = ()
    enabled: bool = True
    disabled_reason: str = ""
    created_at: datetime
    created_by: str
    updated_at: datetime

    @property
    def name(self) -> str:
        """Resource name, `webhooks/{id}`."""
        return f"webhooks/{self.id}"

    def wants(self, event: Event) -> bool:
        """Whether the event is for it."""
        if not self.enabled or event.type not in self.events:
            return False
        if event.type is not EventType.VERDICT_DECIDED:
            return True
        decided = not self.decisions or event.decision in self.decisions
        return decided and (not self.categories or not set(self.categories).isdisjoint(event.categories))


def new_id() -> str:
    """A fresh endpoint id."""
    return f"wh-{secrets.token_hex(6)}"


def check_endpoint(endpoint: Endpoint, *, allow_private: bool) -> None:
    """Raise `InvalidInput` for the first limit that the endpoint breaks; host names are resolved at each send."""
    check_url(endpoint.url, allow_private=allow_private)
    check_text("description", endpoint.description, MAX_DESCRIPTION)
    if not endpoint.events:
        known = ", ".join(EVENT_TYPES)
        raise InvalidInput("events", "is empty", f"name at least one of {known}")
    if EventType.TEST in endpoint.events:
        raise InvalidInput("events", f"holds {EventType.TEST}", "leave it out; a test is sent when you ask for one")


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise `InvalidInput` unless events may be sent to `url`."""
    check_text("url", url, MAX_URL)
    parts = _split(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise InvalidInput("url", f"{url[:80]!r} is not a web address", "send one that begins with https://")
    if parts.scheme == "http" and not allow_private:
        raise InvalidInput("url", "is not encrypted", "send an https:// address, or set ASSAY_WEBHOOK_ALLOW_PRIVATE")
    if parts.username or parts.password or parts.fragment:
        raise InvalidInput("url", "holds a user, a password or a fragment", "leave them out; signatures say who sends")
    _check_host(parts.hostname, allow_private=allow_private)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is parsed, and checked, only on access
    except ValueError:
        raise InvalidInput("url", f"{url[:80]!r} is not a web address", "send an https:// address") from None
    if not url.isascii() or re.search(r"[\s\\]", url):
        raise InvalidInput("url", "holds white space, a backslash or other than ASCII", "percent-encode it")
    return parts


def _check_host(host: str, *, allow_private: bool) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise InvalidInput("url", f"{host[:80]!r} is not a host", "send a host name or an IP address") from None
        return
    if not allow_private and (why := why_refused(address)):
        remedy = "send a public address, or set ASSAY_WEBHOOK_ALLOW_PRIVATE if receivers are in your own network"
        raise InvalidInput("url", f"{host} is {why}", remedy)
