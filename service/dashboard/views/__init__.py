"""The pages, one module each; every module has its `ROUTES`. `PAGES` is the list of what the dashboard serves."""

from service.dashboard.views import claims, cluster, home, overview, people, quality, queue, sign_in, verdicts

PAGES = (
    home,
    sign_in,
    queue,
    cluster,
    verdicts,
    overview,
    claims,
    quality,
    people,
)
