"""`assay claims train` and `assay claims eval`: the parts of a bundle that match claims."""

from pathlib import Path
from typing import Annotated

import typer

from classifiers.commands.options import Data, Device, Encoder, Heads, Licences, Model, explained, say


def train_claims(
    *,
    data: Data,
    bundle: Annotated[Path, typer.Option(help="Bundle to write into.", exists=True, file_okay=False)],
    teacher: Annotated[
        Path, typer.Option(help="Sentence-transformers directory to learn from.", exists=True, file_okay=False)
    ],
    work: Annotated[Path, typer.Option(help="Keep finished steps here, to resume.")],
    model: Annotated[Path | None, typer.Option(help="The Llama directory of a heads bundle.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    licences: Licences = None,
    device: Device = "cpu",
) -> None:
    """Add to a bundle the parts that match claims: encoder, rankers, relation. Its signals do not change."""
    from classifiers.training.claims.train import ClaimTraining
    from classifiers.training.claims.train import train_claims as run

    with explained():
        chosen = tuple(licences) if licences else None
        run(ClaimTraining(data, bundle, teacher, work, model, chosen, device=device, seed=seed), say=say)


def evaluate_claims(
    *,
    data: Annotated[Path | None, typer.Option(help="Directory of the training data.", file_okay=False)] = None,
    claims: Annotated[Path | None, typer.Option(help="Your claims: JSON lines.", exists=True, dir_okay=False)] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Your own posts: JSON lines of `post`, `claim_id`.", exists=True, dir_okay=False)
    ] = None,
    card: Annotated[Path | None, typer.Option(help="Write the figures of --data here, as a card in Markdown.")] = None,
    model: Model = None,
    heads: Heads = None,
    encoder: Encoder = None,
) -> None:
    """Measure how well claims are found and relations predicted: on a data directory, or on your claims and posts."""
    from classifiers.bundle import load_bundle
    from classifiers.errors import InputError
    from classifiers.evaluation.claims.card import claims_card
    from classifiers.evaluation.claims.evaluate import Evaluation, report, search_of
    from classifiers.training.claims.corpus import TEST

    with explained():
        if data:
            figures = report(load_bundle(model, heads), data, encoder)
            print(figures)
            if card:
                card.write_text(claims_card(figures), encoding="utf-8")
        elif claims and pairs:
            search = search_of(claims, pairs)
            print("\n".join(Evaluation(load_bundle(model, heads), encoder).of_search(search, [TEST])))
        else:
            raise InputError("nothing to measure on; give --data DIR, or --claims FILE and --pairs FILE")
