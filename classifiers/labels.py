"""The signals of every bundle, in the order of their columns.

`ai_generated` says who wrote a text, `misinformation` whether it is false; the rest are policy labels. The order is
part of the bundle format: heads, screen and calibration index their outputs by it.
"""

AI_GENERATED = "ai_generated"
MISINFORMATION = "misinformation"
POLICY_LABELS = ("hate", "harassment", "violence", "self_harm", "sexual", "weapons", "cbrn", "fraud")
LABELS = (AI_GENERATED, MISINFORMATION, *POLICY_LABELS)
