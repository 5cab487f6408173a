"""Deciding a whole cluster of near-duplicates: what would change is seen first."""

from starlette.responses import Response

from service.dashboard.error_pages import status_of
from service.dashboard.forms.ruling_form import OUTCOMES, choices, ruled
from service.dashboard.pages import page
from service.dashboard.post_detail import texts_of
from service.dashboard.request import Form, PageRequest
from service.domain.verdict import VerdictFilter
from service.errors import AssayError, Conflict, InvalidInput, Outdated
from service.people.roles import Right
from service.review.bulk import BulkDecision, BulkPreview

_SHOWN = 20


async def show(request: PageRequest) -> Response:
    """The cluster's posts, and the form that decides them all; the audit log records the look."""
    subject = f"clusters/{request.path('cluster')}"
    await request.services.audit.append(actor=request.person.id, action="cluster.read", subject=subject)
    return await _page(request)


async def preview(request: PageRequest) -> Response:
    """What the decision would change; nothing is changed yet."""
    form = await request.form()
    try:
        found = await request.services.reviewing.preview(_bulk(request, form))
    except InvalidInput as error:
        return await _page(request, form=form, error=error)
    return await _page(request, form=form, found=found)


async def apply(request: PageRequest) -> Response:
    """Change what was previewed, and that alone."""
    form = await request.form()
    try:
        outcome = await request.services.reviewing.apply(_bulk(request, form), form.text("token"))
    except (InvalidInput, Conflict, Outdated) as error:
        return await _page(request, form=form, error=error)
    count = len(outcome.verdicts)
    return request.go("/queue", f"Decided, for {count:,} {'post' if count == 1 else 'posts'}. Undo takes it back.")


def _bulk(request: PageRequest, form: Form) -> BulkDecision:
    said = ruled(form, request.services.policies.current.routing)
    return BulkDecision(cluster=request.path("cluster"), moderator=request.person.id, ruled=said)


async def _page(
    request: PageRequest, *, form: Form | None = None, found: BulkPreview | None = None, error: AssayError | None = None
) -> Response:
    services, cluster = request.services, request.path("cluster")
    verdicts = await services.store.page(VerdictFilter(cluster=cluster), before=None, limit=_SHOWN)
    posts = await texts_of(services, [verdict.post for verdict in verdicts])
    names = ("choice", "decision", "rationale")
    return request.render(
        "queue/cluster.html",
        status_of(error) if error else 200,
        cluster=cluster,
        rows=list(zip(verdicts, posts, strict=True)),
        choices=choices(services.policies.current.routing),
        outcomes=OUTCOMES,
        given={name: form.raw(name) if form else "" for name in names},
        found=found,
        error=error,
    )


_MANY = Right.DECIDE_MANY
ROUTES = [
    page("/queue/clusters/{cluster}", show, right=_MANY),
    page("/queue/clusters/{cluster}", preview, right=_MANY, methods=["POST"]),
    page("/queue/clusters/{cluster}/apply", apply, right=_MANY, methods=["POST"]),
]
