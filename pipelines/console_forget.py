"""What a person sees of `forget`. Never a text of the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import console

if TYPE_CHECKING:
    from pipelines.forget import Forgotten


def show_forgotten(done: Forgotten, *, as_json: bool) -> None:
    """What was rewritten, and what is left for people to do."""
    problems = done.run.sentences() if done.run else []
    if as_json:
        console.print_json(
            {
                "ok": done.ok,
                "packages": done.packages,
                "rows": done.rows,
                "folded": done.rebuilt,
                "sentences": [*problems, *done.sentences],
            }
        )
        return
    console.out.print(f"Rewrote {done.packages} packages ({done.rows} checked rows).")
    if done.rebuilt:
        console.out.print(f"Folded {done.rebuilt} packages into a new warehouse.")
    if done.run and done.run.publication:
        console.out.print(f"Published {done.run.publication.path}; older versions are removed.")
    for sentence in done.sentences:
        console.out.print(sentence, highlight=False, markup=False)
    for problem in problems:
        console.complain(problem)
