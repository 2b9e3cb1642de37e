"""`shelfwise`: the verbs, and how errors become exit codes.

Exit codes: 0 fine, 1 our fault, 2 the input's, 3 a service is down.
"""

from __future__ import annotations

import os
import sys

# Threads that wait for each other must sleep, not spin: on a shared machine spinning costs more than the work.
# OpenMP reads this when NumPy's, FAISS's or LightGBM's runtime is first loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import typer

from shelfwise.cli import (
    backup,
    check,
    demo,
    doctor,
    encode,
    encryption,
    evaluate,
    ingest,
    init,
    keys,
    models,
    offers,
    recommend,
    records,
    restore,
    rules,
    scenarios,
    serve,
    top,
    tradeoff,
    train,
    tune,
    users,
)
from shelfwise.cli.output import fail, print_json
from shelfwise.errors import InputError, ShelfwiseError

app = typer.Typer(
    name="shelfwise",
    help="A self-hosted recommender for shops, driven by pretrained language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (
    init,
    check,
    ingest,
    encode,
    tune,
    train,
    evaluate,
    recommend,
    tradeoff,
    serve,
    top,
    backup,
    restore,
    doctor,
    demo,
):
    app.command(name=verb.__name__.rsplit(".", 1)[-1])(verb.command)
app.add_typer(models.app, name="models")
app.add_typer(records.app, name="records")
app.add_typer(keys.app, name="keys")
app.add_typer(encryption.app, name="encryption")
app.add_typer(users.app, name="users")
app.add_typer(offers.app, name="offers")
app.add_typer(rules.app, name="rules")
app.add_typer(scenarios.app, name="scenarios")


def run() -> None:
    """The console script: run a verb; an error of ours becomes its message and exit code."""
    try:
        app()
    except ShelfwiseError as error:
        fail(error, as_json="--json" in sys.argv)
        sys.exit(error.exit_code)
    except Exception as fault:
        if os.environ.get("SHELFWISE_DEBUG"):
            raise
        error = ShelfwiseError(
            f"{type(fault).__name__}: {fault}",
            hint="this is a fault of Shelfwise; run again with SHELFWISE_DEBUG=1 and report what it prints",
        )
        fail(error, as_json="--json" in sys.argv)
        sys.exit(error.exit_code)
    except SystemExit as end:
        # The command line itself is wrong, and standard error says how; who reads JSON is told so too.
        if end.code == 2 and "--json" in sys.argv:
            print_json(
                {"error": InputError("standard error says how the command is used", code="bad_usage").as_document()}
            )
        raise
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; what was committed is kept\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
