"""Perspective's JSON: `comments:analyze` and `comments:suggestscore` read and refused. No HTTP in here.

Facts about the API come from its reference (github.com/conversationai/perspectiveapi) and its discovery document.
Errors name their kind in `details`, as Perspective's do. `perspective_scores` writes the answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.domain.validation import MAX_TEXT
from service.shims.attributes import attribute
from service.shims.fields import INVALID_REQUEST, Fields
from service.shims.refusals import Refused
from service.shims.scores import Mapped
from service.shims.texts import cleaned, is_blank

UNDETERMINED = "und"
PROBABILITY = "PROBABILITY"
_SCORE_TYPES = frozenset({PROBABILITY, "SCORE_TYPE_UNSPECIFIED", ""})
_ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_LANGUAGE = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
_WITHOUT_SIGNAL = " (Assay has no signal for it: ask without it, or with dropUnsupportedAttributes)"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What a call of `comments:analyze` asks for; `thresholds` by attribute, under the names that were sent.

    `text` is cleaned. `labels` are the ids of community and session that came with it. `drop`: what cannot be answered
    is left out.
    """

    text: str
    attributes: Mapping[str, Mapped]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    spans: bool = False
    store: bool = True
    token: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False


def read_analysis(body: object, *, languages: frozenset[str], drop: bool) -> Analysis:
    """Read a request; `languages` are those that the judging bundle knows.

    Attributes that cannot be answered are left out where `drop` or the request says so. Raises `Refused`.
    """
    fields = Fields(body)
    text, given = _comment(fields), fields.texts("languages")
    _check_context(fields)
    parameters = fields.items("requestedAttributes")
    asked = {name: _attribute(name, one) for name, one in parameters.items()}
    if not asked:
        raise _invalid("Missing requested_attributes", "NO_REQUESTED_ATTRIBUTES")
    drop = drop or fields.flag("dropUnsupportedAttributes")
    foreign = [one for one in given if one.replace("_", "-").partition("-")[0].lower() not in languages]
    answered = _answered(asked, given or tuple(sorted(languages)), everything=not foreign, drop=drop)
    thresholds = {name: one.number("scoreThreshold") for name, one in parameters.items()}
    return Analysis(
        text=text,
        attributes=answered,
        thresholds={name: value for name, value in thresholds.items() if value is not None},
        languages=given,
        spans=fields.flag("spanAnnotations"),
        store=not fields.flag("doNotStore"),
        token=fields.text("clientToken"),
        labels={name: label for name in ("communityId", "sessionId") if (label := fields.text(name))},
        drop=drop,
    )


def read_suggestion(body: object) -> Json:
    """Check a call of `comments:suggestscore` and answer it: with thanks, in that nothing is kept. Raises `Refused`."""
    fields = Fields(body)
    _comment(fields)
    suggested = fields.items("attributeScores")
    if not suggested:
        raise _invalid("attribute_scores must not be empty", INVALID_REQUEST)
    for name in suggested:
        if attribute(name) is None:
            raise _invalid(f"Unknown attribute: {name[:80]}", INVALID_REQUEST)
    languages, token = fields.texts("languages"), fields.text("clientToken")
    return present(clientToken=token, requestedLanguages=list(languages))


def nothing_answered(analysis: Analysis) -> Json:
    """The answer where every attribute was left out."""
    detected = [] if analysis.languages else [UNDETERMINED]
    languages = list(analysis.languages or detected)
    return present(languages=languages, detectedLanguages=detected, clientToken=analysis.token)


def foreign_language(analysis: Analysis) -> Refused:
    """The refusal of a text that the classifiers found to be in no language that they know."""
    name = next(iter(analysis.attributes), "TOXICITY")
    return _unsupported(name, (UNDETERMINED,), "detectedLanguages")


def error(refused: Refused) -> Json:
    """A refusal in Google's words."""
    status = _STATUS.get(refused.status, "INTERNAL")
    body: Json = {"code": refused.status, "message": refused.message, "status": status}
    if refused.details:
        body["details"] = list(refused.details)
    elif refused.status == 400:
        body["details"] = [{"@type": _ERROR, "errorType": refused.code or INVALID_REQUEST}]
    return {"error": body}


def key_refused(*, given: bool) -> Refused:
    """The refusal of a call without a key, or with a wrong one."""
    if not given:
        return Refused(403, "The request is missing a valid API key.")
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "assay.dev"}
    return Refused(400, "API key not valid. Please pass a valid API key.", details=(info,))


# Requests -------------------------------------------------------------------------------------------------------------


def _comment(fields: Fields) -> str:
    comment = fields.below("comment")
    match comment.text("type"):
        case "" | "PLAIN_TEXT" | "TEXT_TYPE_UNSPECIFIED":
            pass
        case "HTML":
            raise _invalid("Currently, only 'PLAIN_TEXT' comments are supported", INVALID_REQUEST)
        case _:
            raise _invalid("Unknown text type", INVALID_REQUEST)
    text = cleaned(comment.text("text"))
    if len(text) > MAX_TEXT:
        raise _invalid(f"Comment text too long: {len(text):,} characters, over {MAX_TEXT:,}", "COMMENT_TOO_LONG")
    if is_blank(text):
        raise _invalid("Comment must be non-empty.", "COMMENT_EMPTY")
    return text


def _check_context(fields: Fields) -> None:
    """Context is checked and, as by Perspective's own models, not read."""
    context = fields.below("context")
    if context.has("entries") and context.has("articleAndParentComment"):
        both = "Context can have either entries or article_and_parent_comment, but both fields were populated."
        raise _invalid(both, INVALID_REQUEST)


def _attribute(name: str, parameters: Fields) -> Mapped:
    mapped = attribute(name)
    if mapped is None:
        raise _invalid(f"Unknown requested attribute: {name[:80]}", INVALID_REQUEST)
    kind = parameters.text("scoreType")
    if kind not in _SCORE_TYPES:
        problem = f"Requested score type {kind[:40]} is not supported by attribute {name[:80]}"
        raise _invalid(problem, INVALID_REQUEST)
    return mapped


def _answered(
    asked: Mapping[str, Mapped], languages: tuple[str, ...], *, everything: bool, drop: bool
) -> Mapping[str, Mapped]:
    """The attributes that are answered. Raises `Refused` for the first that is not, unless it may be left out."""
    answered = {name: mapped for name, mapped in asked.items() if everything and mapped.signals}
    missing = next((name for name in asked if name not in answered), None)
    if missing is not None and not drop:
        raise _unsupported(missing, languages, "requestedLanguages", "" if asked[missing].signals else _WITHOUT_SIGNAL)
    return answered


def _invalid(message: str, kind: str) -> Refused:
    return Refused(400, message, code=kind)


def _unsupported(name: str, languages: tuple[str, ...], said: str, remedy: str = "") -> Refused:
    """The refusal that Perspective's clients know how to take: drop the attribute that it names, and ask again."""
    message = f"Attribute {name} does not support request languages: {', '.join(languages)[:80]}{remedy}"
    inner = {said: list(languages), "attribute": name}
    detail = {"@type": _ERROR, "errorType": _LANGUAGE, "languageNotSupportedByAttributeError": inner}
    return Refused(400, message, code=_LANGUAGE, details=(detail,))


def present(**members: Any) -> Json:
    """The members that are not empty: JSON of Google's leaves the others out."""
    return {name: value for name, value in members.items() if value}
