"""``label_crops.py``: a page on which an expert says what crops are, for ``train_head.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from database_tools.core.errors import UserError
from database_tools.core.people import is_people
from database_tools.formats import answers_csv
from database_tools.formats.answers_csv import Question
from database_tools.pages.html import percent, tag
from tf_classification.embeddings import index
from tf_classification.embeddings.index import Embeddings
from tf_classification.review import deciding
from tf_classification.review.deciding import Item, Mark, Pictures, Task
from tf_classification.review.requests import LabelRequest

MARKS = (
    Mark("s", answers_csv.SEVERAL, "several animals"),
    Mark("n", answers_csv.NO_ANIMAL, "no animal"),
    Mark("u", answers_csv.UNSURE, "unsure"),
)


def run(asked: LabelRequest) -> int:
    """Write the pages, and return how many crops they have.

    Raises:
        UserError: if no crop waits for an answer, or one has no embedding.
    """
    found = index.open(asked.embeddings)
    questions = [
        question
        for question in answers_csv.questions(asked.to_label)
        if asked.show_people or not is_people(question.predicted)
    ]
    if not questions:
        raise UserError(f"{asked.to_label}: no crop waits for an answer, but perhaps people")
    rows = found.rows(question.path for question in questions)
    if (rows < 0).any():
        path = questions[int(rows.argmin())].path
        raise UserError(f"{found.folder}: no embedding of {path!r}, which {asked.to_label} has")
    names = dict.fromkeys((*asked.label_names, *sorted({q.predicted for q in questions} - {""})))

    def items(pictures: Pictures) -> Iterator[Item]:
        for question, row in zip(questions, rows, strict=True):
            yield _item(found, question, int(row), pictures)

    return deciding.write(asked.output_dir, "label_crops", task(list(names)), items)


def task(names: Sequence[str]) -> Task:
    """Return what the page asks, with labels to offer; others can be typed."""
    return Task(
        "label",
        "What are these?",
        "Say of each crop what it is. The browser keeps the answers; the CSV that you export is for"
        " train_head --labels and suggest_labels --labels.",
        "answers.csv",
        answers_csv.COLUMNS,
        MARKS,
        {"": [(name, name) for name in names]},
        open=True,
    )


def _item(found: Embeddings, question: Question, row: int, pictures: Pictures) -> Item:
    likely = "" if question.probability is None else f" {percent(question.probability)}"
    taken = f"taken for {question.predicted}{likely}" if question.predicted else ""
    about = ", ".join(filter(None, (f"at {question.location or 'no location'}", taken)))
    shown = pictures.crop(found.encoded(row), question.path, "")
    words = tag("div", tag("h2", question.path), tag("p", about))
    return Item(
        question.path,
        tag("div", shown, cls="crops") + words,
        label=question.predicted,
        place=question.location,
        predicted=question.predicted,
    )
