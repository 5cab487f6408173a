"""The commands that need the classifiers, as one program. The `assay` command line finds each by entry point.

This module is imported at every start of `assay`, so it imports nothing heavy itself.
"""

import typer

from classifiers.commands.calibrate import calibrate
from classifiers.commands.evaluate import evaluate, leaveout
from classifiers.commands.redteam import redteam
from classifiers.commands.score import score
from classifiers.commands.timelines import timelines
from classifiers.commands.train import train

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Score, train and evaluate Assay's models.")
for command in (score, train, evaluate, leaveout, redteam, calibrate, timelines):
    app.command()(command)

__all__ = ["app", "calibrate", "evaluate", "leaveout", "redteam", "score", "timelines", "train"]

if __name__ == "__main__":
    app()
