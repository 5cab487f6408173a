"""OpenAI's JSON: a call of `/v1/moderations` read, answered and refused. No HTTP in here.

A string gives one result, a list of strings one each, a list of content objects one for all of them together, as with
OpenAI. Scores are our probabilities; what is flagged is what the policy decides, so the two may differ: a category is
true when the decision is above ALLOW and it names what the category is about. `flagged` is true for any of these, for
what a moderator decided on the text and for Assay's test string.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement
from service.domain.validation import MAX_BATCH, MAX_TEXT
from service.shims.categories import CATEGORIES
from service.shims.refusals import Refused
from service.shims.scores import Mapped
from service.shims.texts import cleaned, is_blank

MODEL = "assay"
_ACCEPTED = re.compile(r"(omni|text)-moderation-[a-z0-9-]{1,40}|assay(/[A-Za-z0-9._:-]{1,128})?")
_UNDECIDED = Ruling(Decision.ALLOW)
_BY_STATUS = {429: "requests", 403: "permission_error", 404: "invalid_request_error"}
_KINDS = {str: "a string", bool: "a boolean", int: "an integer", float: "a number", list: "an array", dict: "an object"}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What is said of one text: the judgement and the policy's ruling; of a text without words neither."""

    judgement: Judgement | None = None
    ruling: Ruling = _UNDECIDED


def read_inputs(body: object) -> list[str]:
    """The texts of a call, cleaned, in order; blank ones too. Raises `Refused`."""
    if not isinstance(body, dict):
        raise _invalid(f"Invalid body: expected an object, but got {_kind(body)} instead.", None, "invalid_type")
    _check_model(body.get("model"))
    match body.get("input"):
        case None:
            raise _invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
        case str() as text:
            return [_text(text, "input")]
        case []:
            raise _invalid(
                "Invalid 'input': empty array. Expected an array with minimum length 1",
                "input",
                "empty_array",
            )
        case [*inputs]:
            return _inputs(inputs)
        case other:
            raise _wrong_type("input", "one of a string or an array of strings or objects", other)


def moderated(name: str, found: Sequence[Found]) -> Json:
    """The answer to a call, under an id that is given."""
    versions = dict.fromkeys(one.judgement.model_version for one in found if one.judgement)
    model = "/".join((MODEL, next(iter(versions)))) if versions else MODEL
    return {"id": f"modr-{name}", "model": model, "results": [_result(one) for one in found]}


def error(refused: Refused) -> Json:
    """A refusal in OpenAI's words."""
    kind = _BY_STATUS.get(refused.status, "server_error" if refused.status >= 500 else "invalid_request_error")
    said = {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}
    return {"error": said}


def key_refused(*, given: bool) -> Refused:
    """The refusal of a call without a key, or with a wrong one; the key is never repeated."""
    if given:
        return Refused(401, "Incorrect API key provided.", code="invalid_api_key")
    remedy = "send it in an Authorization header: Authorization: Bearer YOUR_KEY"
    return Refused(401, f"You didn't provide an API key; {remedy}.")


# Requests -------------------------------------------------------------------------------------------------------------


def _check_model(model: object) -> None:
    if model is None:
        return
    if not isinstance(model, str):
        raise _wrong_type("model", "a string", model)
    if not _ACCEPTED.fullmatch(model):
        remedy = "send omni-moderation-latest, text-moderation-latest or nothing; Assay's own bundle judges all of them"
        raise Refused(404, f"The model '{model[:80]}' does not exist; {remedy}.", param="model", code="model_not_found")


def _inputs(inputs: list[object]) -> list[str]:
    if len(inputs) > MAX_BATCH:
        raise _invalid(
            f"Invalid 'input': array too long. Expected an array with maximum length {MAX_BATCH}, "
            f"but got an array with length {len(inputs)} instead.",
            "input",
            "array_above_max_length",
        )
    if all(isinstance(one, dict) for one in inputs):
        parts = [_part(one, f"input[{index}]") for index, one in enumerate(inputs)]
        return [_text("\n".join(parts), "input")]
    return [_text(one, f"input[{index}]") for index, one in enumerate(inputs)]


def _part(part: Any, param: str) -> str:
    match part.get("type"):
        case "text":
            if not isinstance(part.get("text"), str):
                raise _wrong_type(f"{param}.text", "a string", part.get("text"))
            return str(part["text"])
        case "image_url":
            raise _invalid(
                "Assay judges text and does not look at images; send the text alone, and images to a service for them.",
                param,
                "image_not_supported",
            )
        case kind:
            said = f"'{kind[:40]}'" if isinstance(kind, str) else _kind(kind)
            raise _invalid(f"Invalid value: {said}. Supported values are: 'text'.", f"{param}.type", "invalid_value")


def _text(text: object, param: str) -> str:
    if not isinstance(text, str):
        raise _wrong_type(param, "a string", text)
    if len(text) > MAX_TEXT:
        raise _invalid(
            f"Invalid '{param}': string too long. Expected a string with maximum length {MAX_TEXT}, "
            f"but got a string with length {len(text)} instead.",
            param,
            "string_above_max_length",
        )
    found = cleaned(text)
    return "" if is_blank(found) else found


def _wrong_type(param: str, wanted: str, got: object) -> Refused:
    problem = f"Invalid type for '{param}': expected {wanted}, but got {_kind(got)} instead."
    return _invalid(problem, param, "invalid_type")


def _invalid(message: str, param: str | None, code: str) -> Refused:
    return Refused(400, message, param=param, code=code)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "null")


# Answers --------------------------------------------------------------------------------------------------------------


def _result(found: Found) -> Json:
    ruling = found.ruling
    acted = ruling.decision is not Decision.ALLOW
    flags = {name: acted and mapped.flagged(ruling.categories) for name, mapped in CATEGORIES.items()}
    by_hand = acted and (bool(ruling.case) or Category.TEST in ruling.categories)
    return {
        "flagged": by_hand or any(flags.values()),
        "categories": flags,
        "category_scores": {name: _score(mapped, found.judgement) for name, mapped in CATEGORIES.items()},
        "category_applied_input_types": _APPLIED,
    }


def _score(mapped: Mapped, judgement: Judgement | None) -> float:
    signal = mapped.signal_in(judgement) if judgement else None
    return round(signal.probability, 6) if signal else 0.0


_APPLIED: Mapping[str, list[str]] = {name: ["text"] if one.signals else [] for name, one in CATEGORIES.items()}
