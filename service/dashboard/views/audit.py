"""Audit: who did what, reads included, and whether the chain is whole."""

from urllib.parse import urlencode

from starlette.responses import Response

from service.audit.entry import AuditFilter
from service.dashboard.error_pages import status_of
from service.dashboard.pages import page
from service.dashboard.request import PageRequest
from service.errors import InvalidInput
from service.people.roles import Right

_PAGE = 100


async def listed(request: PageRequest) -> Response:
    """Entries, newest first, as a filter finds them."""
    asked = {name: request.query(name) for name in ("actor", "action", "subject")}
    before = request.whole("before", 0) or None
    only = AuditFilter(actor=asked["actor"], action=asked["action"], subject=asked["subject"])
    entries = await request.services.audit.page(only, before=before, limit=_PAGE + 1)
    older = urlencode({**asked, "before": entries[_PAGE - 1].number}) if len(entries) > _PAGE else ""
    return request.render(
        "audit/list.html", entries=entries[:_PAGE], older=older, asked=asked, head=await request.services.audit.head()
    )


async def verify(request: PageRequest) -> Response:
    """Check every entry, and that the head noted earlier is among them."""
    form = await request.form()
    expect = form.text("expect")
    try:
        report = await request.services.audit.verify(expect)
    except InvalidInput as error:
        return request.render("audit/verified.html", status_of(error), report=None, error=error, expect=expect)
    await request.services.audit.append(
        actor=request.person.id, action="audit.verify", subject="audit", detail={"whole": report.whole}
    )
    return request.render("audit/verified.html", report=report, error=None, expect=expect)


_SEE = Right.SEE_AUDIT
ROUTES = [
    page("/audit", listed, right=_SEE, name="audit"),
    page("/audit/verify", verify, right=_SEE, methods=["POST"]),
]
