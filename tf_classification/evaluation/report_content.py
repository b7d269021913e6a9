"""What the report of an evaluation is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tf_classification.data.examples import Examples
from tf_classification.evaluation.judgement import Judgement
from tf_classification.evaluation.summary import Evaluation

_BEST_FIRST = ("test", "val")


@dataclass(frozen=True, eq=False)
class Content:
    """What the page is about: its title, what was found, and the crops, for their pictures."""

    title: str
    evaluation: Evaluation
    splits: Mapping[str, Examples]

    @property
    def judgements(self) -> list[Judgement]:
        """All splits, the main one first."""
        rest = [j for j in self.evaluation.judgements if j is not self.main]
        return [self.main, *rest]

    @property
    def main(self) -> Judgement:
        """The split that the first figures are of: test, else val, else the first."""
        by_name = {judged.split: judged for judged in self.evaluation.judgements}
        best = next((name for name in _BEST_FIRST if name in by_name), next(iter(by_name)))
        return by_name[best]
