"""The pages, one module each; every module has its `ROUTES`. `PAGES` is the list of what the dashboard serves."""

from service.dashboard.views import (
    appeals,
    audit,
    claims,
    cluster,
    home,
    overview,
    people,
    policy,
    quality,
    queue,
    sign_in,
    verdicts,
)

PAGES = (
    home,
    sign_in,
    queue,
    cluster,
    appeals,
    verdicts,
    overview,
    policy,
    claims,
    quality,
    audit,
    people,
)
