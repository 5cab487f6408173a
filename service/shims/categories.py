"""OpenAI's moderation categories, and what Assay answers for each.

A category that none of our signals covers is answered as OpenAI's own service answers for a kind of input that a
category was not applied to: false, 0.0 and no applied input types. It says that nobody looked, not that nothing is
there.
"""

from collections.abc import Mapping

from service.shims.scores import Mapped, nearest, nothing, same

CATEGORIES: Mapping[str, Mapped] = {
    "harassment": same("harassment", "insults or intimidates somebody"),
    "harassment/threatening": nearest(
        "harassment", "violence", because="both at once: at most as likely as the lesser", together=True
    ),
    "hate": same("hate", "attacks people for who they are"),
    "hate/threatening": nearest(
        "hate", "violence", because="both at once: at most as likely as the lesser", together=True
    ),
    "illicit": nearest(
        "weapons", "cbrn", "fraud", because="help with weapons, weapons of mass destruction and scams; not other crimes"
    ),
    "illicit/violent": nearest("weapons", "cbrn", because="help with weapons of any kind"),
    "self-harm": same("self_harm", "somebody may harm themselves, or urges others to"),
    "self-harm/intent": nearest(
        "self_harm", because="not distinguished from other talk of self-harm; a person in danger must not be missed"
    ),
    "self-harm/instructions": nothing("not distinguished from intent, and to take that for this would do harm"),
    "sexual": same("sexual", "sexual content"),
    "sexual/minors": nothing("never rely on Assay to find abuse of children: it does not look for it"),
    "violence": same("violence", "threatens, incites or praises violence"),
    "violence/graphic": nothing("not distinguished from other violence; `violence` is still answered"),
}
"""Every category of the omni-moderation models."""
