"""Appeals: what authors contest, oldest first. They are decided as cases of the queue `appeals`."""

from starlette.responses import Response

from service.dashboard import exposure
from service.dashboard.pages import page
from service.dashboard.request import PageRequest
from service.errors import InvalidInput
from service.people.roles import Right
from service.review.appeal import OPEN_FOR, AppealState
from service.review.case import APPEALS, CaseFilter

_PAGE = 50


async def listed(request: PageRequest) -> Response:
    """Appeals in a state, oldest first."""
    told = request.query("state", AppealState.OPEN)
    if told != "ALL" and told not in set(AppealState):
        raise InvalidInput("state", f"{told[:40]!r} is none", f"choose {', '.join(AppealState)} or ALL")
    states = () if told == "ALL" else (AppealState(told),)
    found = await request.services.appealing.list(states, after=request.query("after"), limit=_PAGE + 1)
    return request.render(
        "appeals/list.html",
        appeals=found[:_PAGE],
        following=found[_PAGE - 1].id if len(found) > _PAGE else "",
        state=told,
        states=[*AppealState, "ALL"],
        open_for=OPEN_FOR.days,
    )


async def show(request: PageRequest) -> Response:
    """One appeal: what stood, what the author says, what came of it."""
    appeal = await request.services.appealing.find(request.path("id"))
    await request.services.audit.append(actor=request.person.id, action="appeal.read", subject=appeal.name)
    [post] = await request.services.store.posts([appeal.post])
    return request.render("appeals/one.html", appeal=appeal, post=post)


async def take(request: PageRequest) -> Response:
    """Take this appeal or, where none is named, the most urgent one that they may decide; a due break comes first."""
    if exposure.read(request.http).due(request.services.breaks):
        return request.go("/queue/break")
    form = await request.form()
    only = CaseFilter(queues=(APPEALS,), post=form.text("post"))
    leased = await request.services.reviewing.lease(request.person.id, only)
    if not leased:
        return request.go(
            "/appeals", "No appeal is free for you to decide: you decided first, or colleagues hold them."
        )
    return request.go(f"/queue/cases/{leased[0].id}?queue={APPEALS}")


_DECIDE = Right.DECIDE_APPEALS
ROUTES = [
    page("/appeals", listed, right=_DECIDE, name="appeals"),
    page("/appeals/next", take, right=_DECIDE, methods=["POST"]),
    page("/appeals/{id}", show, right=_DECIDE),
]
