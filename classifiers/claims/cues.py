"""English words that support a statement, doubt it or deny it."""

import re


def _words(listed: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", listed))


DENIALS = _words("""
    no not never isn't wasn't aren't weren't didn't doesn't don't won't can't cannot couldn't wouldn't hasn't haven't
    hadn't nothing none nobody neither nor without
""")
"""Words that negate a statement."""

DEBUNKS = _words("""
    false fake hoax hoaxer debunk debunked debunks debunking bogus untrue incorrect inaccurate misleading misinformation
    disinformation myth baseless unfounded fabricated fabrication nonsense satire satirical parody prank doctored
    photoshopped staged deny denies denied denying refute refutes refuted dispel disproved dismiss dismissed dismisses
    rumor rumors rumour rumours lie lies factcheck snopes politifact correction
""")
"""Words of fact-checkers."""

_WEAKER = _words("""
    debunker wrong myths ridiculous satirist altered edited denial refuting disproven disprove dismissing lying liar bs
    bullshit fact facts check checked checkers evidence proof retract retracted retraction correct corrected apologize
    apologized scam fooled conspiracy theory nope unlikely actually really stop quit misread misquoted miscaptioned
    unrelated imaginary invented made-up up context old
""")
REFUTALS = DENIALS | DEBUNKS | _WEAKER
"""DEBUNKS and weaker ones."""

HEDGES = _words("""
    reportedly allegedly alleged claims claim claimed claiming rumored rumoured unconfirmed unverified report reports
    reported suggests suggested may might could possibly apparently supposedly purported purportedly says said according
    source sources investigating investigation investigate confirm confirmed confirms whether if questions question
    asked asking ask wonder wondering anyone hear heard seen true real legit thoughts
""")
"""Words that distance the writer from a statement, or ask about it."""

ALARMS = _words("""
    they truth media mainstream wake hiding hide hidden cover coverup censored delete deleted share silence sheep awake
    expose exposed elites
""")
"""Words of claims that the truth is hidden."""

OPENERS = _words("is are did does was has can will who anyone so")
"""Words that begin a question."""

_OPPOSITES = """
    increase/decrease rise/fall rising/falling rose/fell more/less more/fewer higher/lower up/down win/lose won/lost
    alive/dead legal/illegal safe/dangerous allow/ban allowed/banned allows/bans open/close opened/closed support/oppose
    supports/opposes before/after true/false real/fake first/last all/none always/never start/stop accept/reject
    accepted/rejected approve/reject approved/rejected guilty/innocent found/missing arrested/released best/worst
    good/bad old/new cause/prevent causes/prevents cure/cause cures/causes
"""


def _opposites() -> dict[str, frozenset[str]]:
    pairs = [pair.split("/") for pair in _words(_OPPOSITES)]
    both = [*pairs, *(pair[::-1] for pair in pairs)]
    return {word: frozenset(there for here, there in both if here == word) for word, _ in both}


OPPOSITES = _opposites()
"""The opposites of a word."""
