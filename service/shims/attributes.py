"""Perspective's attributes, and what Assay answers for each.

Names and meanings are those of Perspective's documentation: production attributes, their experimental namesakes, the
New York Times attributes and the experimental bridging and persuasion attributes.
"""

from collections.abc import Mapping

from service.shims.scores import Mapped, nearest, nothing, same

_TOXICITY = nearest(
    "harassment",
    "hate",
    "violence",
    because="insults, attacks on groups and threats make people leave a talk",
)
_HARASSMENT = "insults and intimidation of a person; it does not say who is meant"
_MAIN: dict[str, Mapped] = {
    "TOXICITY": _TOXICITY,
    "SEVERE_TOXICITY": nearest("hate", "violence", because="the grave ones of these; plain insults are left out"),
    "IDENTITY_ATTACK": same("hate", "attacks people for who they are"),
    "INSULT": same("harassment", "insults or intimidates somebody"),
    "PROFANITY": nothing("a curse that harms nobody is no signal of Assay's"),
    "THREAT": nearest("violence", because="threats, and also incitement to violence and praise of it"),
}
_WITHOUT_SIGNAL = "no signal of Assay's is about that"
_OTHERS: dict[str, Mapped] = {
    "SEXUALLY_EXPLICIT": same("sexual", "sexual content"),
    "FLIRTATION": nothing("compliments are not sexual content, and `sexual` does not cover them"),
    "TOXICITY_FAST": _TOXICITY,
    "ATTACK_ON_AUTHOR": nearest("harassment", because=_HARASSMENT),
    "ATTACK_ON_COMMENTER": nearest("harassment", because=_HARASSMENT),
    "INFLAMMATORY": nearest("hate", "harassment", "violence", because="what inflames is mostly one of these"),
    "SPAM": nothing("`fraud` covers scams, not advertising"),
    "OBSCENE": nothing("see `PROFANITY`"),
    "LIKELY_TO_REJECT": nothing("one newspaper's taste; ask Assay's own API for your policy's decision"),
    "INCOHERENT": nothing(_WITHOUT_SIGNAL),
    "UNSUBSTANTIAL": nothing(_WITHOUT_SIGNAL),
}
_BRIDGING = ("AFFINITY", "COMPASSION", "CURIOSITY", "NUANCE", "PERSONAL_STORY", "REASONING", "RESPECT")
_PERSUASION = ("ALIENATION", "FEARMONGERING", "GENERALIZATION", "MORAL_OUTRAGE", "POWER_APPEAL", "SCAPEGOATING")

ATTRIBUTES: Mapping[str, Mapped] = {
    **_MAIN,
    **{f"{name}_EXPERIMENTAL": mapped for name, mapped in _MAIN.items()},
    **_OTHERS,
    **{f"{name}_EXPERIMENTAL": nothing(_WITHOUT_SIGNAL) for name in (*_BRIDGING, *_PERSUASION)},
}
"""Every attribute that Perspective documents."""


def attribute(name: str) -> Mapped | None:
    """What is answered for an attribute, with or without `@` and a version; None when Perspective has none such."""
    return ATTRIBUTES.get(name.partition("@")[0])
