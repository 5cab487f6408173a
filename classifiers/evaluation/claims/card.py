"""The card of a bundle's claim parts: what they are, their training data, figures and limits."""

_CARD = """\
# Claims card

What `claims.safetensors` holds: a word encoder (embeddings of 256 dimensions, a sum of word vectors), two rankers
(for it and for a sentence-transformers encoder in its place), and a classifier of how a post stands to a claim.
Signals don't rest on it, so it doesn't count in the bundle's version; a verdict's `claims_version` names it.

## Learnt from

| what | from | licence |
|---|---|---|
| encoder | embeddings by all-MiniLM-L6-v2 (Apache-2.0) of short crops of the texts that the model card \
lists, of claims and headlines of Snopes and PolitiFact; no labels | as the model card lists them; claims: \
none stated |
| rankers | CLEF CheckThat 2020 task 2, 800 training tweets with their claim; everyday posts of tweeteval and \
showerthoughts as posts about none | none stated |
| relation | Fake News Challenge 1 (headline against the first 70 words of an article); pairs written for \
Assay (`classifiers/training/claims/written`); pairs made by rule from CLEF's and Snopes' (`corrections.py`) | none \
stated; Apache-2.0 |

Temperature and certificate come from written pairs about a fifth of the claims, kept out of training; another fifth
is for the figures below. With the certificate, at most 30 % of the pairs called `repeats` or `rebuts` are wrong,
with a confidence of 95 %, among pairs drawn as those were: they were written to be hard, half of the rebuttals say
nothing like "false". Below its threshold the classifier abstains. A score is a probability for feeds of which one
post in twenty is about a claim of the set: a choice.

## Figures

`assay claims eval`; retrieval by mean average precision at 5, precision at 1 and recall at 5; the relation over all
four and, on pairs that are about the claim, over the three of entails, neutral, contradicts. The three need not add
up to what others publish: a Llama 2 of 7B fine-tuned on real tweets against debunked claims has .742 accuracy and
.678 macro-F1 there.

{figures}

## Limits

- English. Words outside the vocabulary count by their letters alone.
- The encoder has no word order, and the network behind the relation is small: rebuttals that only tell other facts,
  and repeats that mock a denial, are often taken for one another. Show matches to people; act on none without one.
- The texts of the claims above were seen without labels by the encoder, so retrieval among claims from elsewhere is
  likely some points below these figures.
- Written pairs are by language models at our desk: one manner of writing, invented facts.
"""


def claims_card(figures: str) -> str:
    """The card, with the tables of `evaluation.report`."""
    return _CARD.format(figures=figures)
