"""What restricted a post, as a statement of reasons for the DSA Transparency Database (API v2).

A statement holds no text, name or author: the database takes no personal data. Its `puid` is the verdict's sequence and
a digest, by which the platform finds the post. The ground is the platform's terms, unless `Terms.illegal` says that a
category is decided on as illegal. Told of the facts is what the verdict holds: rules and reasons in the policy's
own words, versions of bundle and policy; never a moderator's rationale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from service.domain.canonical import digest
from service.domain.decision import MACHINE_WRITTEN, Category, Decision
from service.transparency import statement_words as words
from service.transparency.decided import DecidedBy, language_of
from service.transparency.restriction import Restriction

_SYNTHETIC = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia"})
_FACTS, _EXPLANATION, _GROUND = 5000, 2000, 500


class Theirs(NamedTuple):
    """How the database calls one of our categories: its category, its keyword, and what its OTHER keyword means."""

    category: str
    keyword: str = ""
    other: str = ""


_OTHER = "KEYWORD_OTHER"
_CIVIC = "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"

CATEGORIES: Mapping[Category, Theirs] = MappingProxyType(
    {
        Category.AI_GENERATED_MISINFORMATION: Theirs(_CIVIC, "KEYWORD_MISINFORMATION_DISINFORMATION"),
        Category.MISINFORMATION: Theirs(_CIVIC, "KEYWORD_MISINFORMATION_DISINFORMATION"),
        # Machine-writing is no violation of law: the terms ask for it to be disclosed.
        Category.AI_GENERATED: Theirs("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", _OTHER, "Machine-written content"),
        Category.HATE: Theirs("STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH", "KEYWORD_HATE_SPEECH"),
        Category.HARASSMENT: Theirs("STATEMENT_CATEGORY_CYBER_VIOLENCE", "KEYWORD_CYBER_HARASSMENT"),
        Category.VIOLENCE: Theirs("STATEMENT_CATEGORY_VIOLENCE", "KEYWORD_INCITEMENT_VIOLENCE_HATRED"),
        # Which kind of self-harm, none of our signals says.
        Category.SELF_HARM: Theirs("STATEMENT_CATEGORY_SELF_HARM"),
        # Adult material comes under the terms since API v2; minors are not a category here.
        Category.SEXUAL: Theirs("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", "KEYWORD_ADULT_SEXUAL_MATERIAL"),
        Category.WEAPONS: Theirs("STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS", "KEYWORD_PROHIBITED_PRODUCTS"),
        Category.CBRN: Theirs("STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY", _OTHER, "Weapons of mass destruction"),
        Category.FRAUD: Theirs("STATEMENT_CATEGORY_SCAMS_AND_FRAUD"),
    }
)
"""Our categories in the database's words. TEST is not among them: a test string is no content of a person."""

VISIBILITY: Mapping[Decision, str] = MappingProxyType(
    {
        Decision.LABEL: "DECISION_VISIBILITY_CONTENT_LABELLED",
        Decision.REDUCE: "DECISION_VISIBILITY_CONTENT_DEMOTED",
        Decision.BLOCK: "DECISION_VISIBILITY_CONTENT_REMOVED",
    }
)

_AUTOMATED: Mapping[DecidedBy, str] = MappingProxyType(
    {
        DecidedBy.POLICY: "AUTOMATED_DECISION_FULLY",
        DecidedBy.CARRIED: "AUTOMATED_DECISION_PARTIALLY",
        DecidedBy.PERSON: "AUTOMATED_DECISION_NOT_AUTOMATED",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the platform says of itself in every statement.

    `ground` is the part of its terms that posts break, `url` their address. `territory` lists EU/EEA countries.
    `illegal` names the law for categories that are decided on as illegal content; the others are incompatible with the
    terms. `rules` and `reasons` are the policy's words for those, by name. `source_key` is the key of a post's
    metadata under which the platform says by whose notice it looked: one of the database's words, such as
    SOURCE_ARTICLE_16.
    """

    ground: str = "Terms and conditions of the service"
    url: str = ""
    territory: tuple[str, ...] = words.EUROPEAN_UNION
    illegal: Mapping[Category, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    source_key: str = "dsa_source_type"
    prefix: str = "assay"


def stated(restriction: Restriction) -> bool:
    """Whether it is sent to the database: not what the test string asked for."""
    return any(category in CATEGORIES for category in restriction.categories)


def statement_of(restriction: Restriction, terms: Terms) -> dict[str, Any]:
    """The statement of reasons for `restriction`; fields that are empty are left out."""
    post = restriction.post
    whole = {
        "decision_visibility": [VISIBILITY[restriction.decision]],
        **_grounds(restriction, terms),
        **_categories(restriction.categories),
        "content_type": _content_types(restriction),
        "content_language": _language(post.locale),
        "content_date": (post.created_at or restriction.accepted_at).date().isoformat(),
        "territorial_scope": sorted(terms.territory),
        "application_date": restriction.decided_at.date().isoformat(),
        "decision_facts": _facts(restriction, terms)[:_FACTS],
        "source_type": post.metadata.get(terms.source_key, "SOURCE_VOLUNTARY"),
        "automated_detection": "Yes" if _detected_by_machine(restriction) else "No",
        "automated_decision": _AUTOMATED[restriction.decided_by],
        "puid": f"{terms.prefix}-{restriction.sequence}-{digest(post.name, str(restriction.sequence))[:16]}",
    }
    return {name: value for name, value in whole.items() if value}


def gravest_first(categories: Sequence[Category]) -> list[Category]:
    """The categories that the database has a word for, the gravest first."""
    return sorted((each for each in {*categories} if each in CATEGORIES), key=lambda each: (-each.harm, each))


def _categories(categories: Sequence[Category]) -> dict[str, Any]:
    theirs = [CATEGORIES[category] for category in gravest_first(categories)]
    main, *more = dict.fromkeys(each.category for each in theirs)
    return {
        "category": main,
        "category_addition": more,
        "category_specification": list(dict.fromkeys(each.keyword for each in theirs if each.keyword)),
        "category_specification_other": "; ".join(each.other for each in theirs if each.keyword == _OTHER),
    }


def _grounds(restriction: Restriction, terms: Terms) -> dict[str, str]:
    gravest = gravest_first(restriction.categories)
    law = next((terms.illegal[category] for category in gravest if category in terms.illegal), "")
    explanation = " ".join(_explained(restriction, terms)) or f"Found to be {_named(gravest)}."
    if law:
        found = {"illegal_content_legal_ground": law[:_GROUND], "illegal_content_explanation": explanation}
        ground = words.ILLEGAL
    else:
        found = {"incompatible_content_ground": terms.ground[:_GROUND], "incompatible_content_explanation": explanation}
        ground = words.INCOMPATIBLE
    cut = {name: value[:_EXPLANATION] for name, value in found.items()}
    return {"decision_ground": ground, "decision_ground_reference_url": terms.url, **cut}


def _explained(restriction: Restriction, terms: Terms) -> list[str]:
    """The policy's words for the reason or the rules that it was decided for."""
    if restriction.reason:
        found = [terms.reasons.get(restriction.reason, "")]
    else:  # a rule's name may have a suffix that says why it asked for less than it would
        found = [terms.rules.get(name) or terms.rules.get(name.partition(".")[0], "") for name in restriction.rules]
    return list(dict.fromkeys(filter(None, found)))


def _facts(restriction: Restriction, terms: Terms) -> str:
    said = [f"A post was found to be {_named(gravest_first(restriction.categories))}."]
    match restriction.decided_by:
        case DecidedBy.POLICY:
            said.append(f"Automated means decided, by rules {', '.join(restriction.rules) or 'of the post itself'}.")
        case DecidedBy.CARRIED:
            said.append("A person decided on the same text; automated means carried the decision over to this post.")
        case DecidedBy.PERSON:
            said.append("A person looked at the post and decided.")
    if restriction.reason:
        said.append(f"The reason given was: {restriction.reason}.")
    said += _explained(restriction, terms)
    if restriction.model_version:
        said.append(f"Classifier version {restriction.model_version}.")
    said.append(f"Policy version {restriction.policy_version}.")
    return " ".join(said)


def _detected_by_machine(restriction: Restriction) -> bool:
    """Whether automated means found the post: the policy decided, or had flagged it before a person did."""
    if restriction.decided_by is DecidedBy.PERSON:
        return restriction.before not in {None, Decision.ALLOW}
    return True


def _content_types(restriction: Restriction) -> list[str]:
    context = restriction.post.context
    image = bool(context.image_alt or context.image_text)
    machine = MACHINE_WRITTEN & {*restriction.categories}
    synthetic = bool(machine) or context.digital_source_type.rpartition("/")[2] in _SYNTHETIC
    found = {"CONTENT_TYPE_TEXT": True, "CONTENT_TYPE_IMAGE": image, "CONTENT_TYPE_SYNTHETIC_MEDIA": synthetic}
    return [name for name, holds in found.items() if holds]


def _language(locale: str) -> str:
    """The language in capitals, as far as ISO 639-1 has it; else empty, as the field may be left out."""
    language = language_of(locale).upper()
    return language if language in words.LANGUAGES else ""


def _named(categories: Sequence[Category]) -> str:
    return ", ".join(category.words for category in categories)
