"""The shims as one Starlette app, and that app served beside gRPC.

    POST /v1alpha1/comments:analyze        Perspective
    POST /v1alpha1/comments:suggestscore
    GET  /$discovery/rest
    POST /v1/moderations                   OpenAI

Perspective's comments are only read: kept are they where the options say so and the call does not forbid it. What comes
to OpenAI's endpoint is never kept.
"""

import uuid
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.domain.post import Post
from service.shims import openai_moderation as openai
from service.shims import perspective
from service.shims.discovery import document
from service.shims.endpoint import Dialect, Json, answer, call, refuse
from service.shims.judge import Asking, Judge
from service.shims.keys import Keys
from service.shims.openai_moderation import Found
from service.shims.perspective import Analysis
from service.shims.perspective_scores import analyzed
from service.shims.refusals import Refused, not_judged
from service.shims.texts import cleaned, post

LANGUAGE = "ABSTAINED_LANGUAGE"
_LONGEST_LABEL = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimOptions:
    """How the shims answer.

    `record`: Perspective's comments are recorded, as posts of `platform`, unless `doNotStore`. `languages` are those of
    the judging bundle. `drop_unsupported`: attributes without a signal are left out rather than refused. `deadline`
    and `patience` are the seconds that judging and a body may take.
    """

    record: bool = False
    platform: str = "perspective"
    languages: frozenset[str] = frozenset({"en"})
    drop_unsupported: bool = False
    deadline: float = 10.0
    patience: float = 30.0


def shim_app(judge: Judge, keys: Keys, options: ShimOptions = ShimOptions()) -> Starlette:
    """The app. Without keys it answers anybody."""
    shims = _Shims(judge, keys, options)
    return Starlette(
        routes=[
            Route("/v1alpha1/comments:analyze", shims.analyze, methods=["POST"]),
            Route("/v1alpha1/comments:suggestscore", shims.suggest, methods=["POST"]),
            Route("/$discovery/rest", shims.discover, methods=["GET"]),
            Route("/v1/moderations", shims.moderate, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _not_served},
    )


class _Shims:
    def __init__(self, judge: Judge, keys: Keys, options: ShimOptions) -> None:
        self._judge, self._keys, self._options = judge, keys, options
        self._asking = Asking(judge, options.deadline)

    async def analyze(self, request: Request) -> Response:
        """Perspective's `comments:analyze`."""
        return await call(request, perspective, self._admit_google, self._analyzed, patience=self._options.patience)

    async def suggest(self, request: Request) -> Response:
        """Perspective's `comments:suggestscore`: checked, and not kept."""
        return await call(request, perspective, self._admit_google, self._suggested, patience=self._options.patience)

    async def discover(self, request: Request) -> Response:
        """The discovery document; it names this server as the caller did."""
        if request.query_params.get("version", "v1alpha1") != "v1alpha1":
            return refuse(perspective, Refused(404, "There is only version v1alpha1."))
        return answer(document(str(request.base_url)))

    async def moderate(self, request: Request) -> Response:
        """OpenAI's `/v1/moderations`."""
        return await call(request, openai, self._admit_openai, self._moderated, patience=self._options.patience)

    # Keys -------------------------------------------------------------------------------------------------------------

    def _admit_google(self, request: Request) -> None:
        given = request.query_params.get("key") or request.headers.get("X-Goog-Api-Key", "")
        if self._keys.wanted and not self._keys.admit(given):
            raise perspective.key_refused(given=bool(given))

    def _admit_openai(self, request: Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
        if self._keys.wanted and not self._keys.admit(given):
            raise openai.key_refused(given=bool(given))

    # Work -------------------------------------------------------------------------------------------------------------

    async def _analyzed(self, body: object) -> Json:
        languages, drop = self._options.languages, self._options.drop_unsupported
        analysis = perspective.read_analysis(body, languages=languages, drop=drop)
        if not analysis.attributes:
            return perspective.nothing_answered(analysis)
        stored = self._options.record and analysis.store
        comment = self._comment(analysis)
        judgement = await self._asking.moderate(comment) if stored else (await self._asking.read([comment]))[0]
        if judgement is None:
            raise not_judged()
        if LANGUAGE in judgement.abstained and not analysis.languages:
            if not analysis.drop:
                raise perspective.foreign_language(analysis)
            return perspective.nothing_answered(analysis)
        return analyzed(analysis, judgement, languages)

    def _comment(self, analysis: Analysis) -> Post:
        labels = {name: cleaned(label)[:_LONGEST_LABEL] for name, label in analysis.labels.items()}
        return post(self._options.platform, analysis.text, analysis.token, *analysis.labels.values(), metadata=labels)

    async def _suggested(self, body: object) -> Json:
        return perspective.read_suggestion(body)

    async def _moderated(self, body: object) -> Json:
        texts = openai.read_inputs(body)
        posts = {text: post("openai", text) for text in texts if text}
        policy, found = self._judge.policy, {}
        for text, judgement in zip(posts, await self._asking.read(list(posts.values())), strict=True):
            if judgement is None:
                raise not_judged(f"input[{texts.index(text)}]")
            found[text] = Found(judgement, policy.decide(posts[text], judgement))
        return openai.moderated(uuid.uuid4().hex, [found.get(text, Found()) for text in texts])


async def _not_served(request: Request, error: Exception) -> Response:
    """A path or method that no shim has, in the words of the API that it is nearest to."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    dialect: Dialect = openai if request.url.path.startswith("/v1/") else perspective
    problem = "does not take this method" if status == 405 else "is not served here"
    return refuse(dialect, Refused(status, f"{request.url.path[:80]} {problem}."))
