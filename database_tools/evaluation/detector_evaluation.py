"""Is a detector good enough for one's cameras, and at which threshold?

Image-level labels are enough: of pictures with animals a threshold should keep many, of empty ones
few.  Pictures of people are counted and left aside.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import detection_choice, keeping, reasons
from database_tools.core.detections import Detections, Failure
from database_tools.core.errors import UserError
from database_tools.core.keeping import Kept, Scored
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.weights import Curve
from database_tools.detectors import precomputed
from database_tools.detectors.precomputed import Precomputed
from database_tools.durable import files
from database_tools.evaluation import box_precision, detector_page, detector_tables
from database_tools.evaluation.evaluation_request import EvaluationRequest
from database_tools.evaluation.findings import Evaluation
from database_tools.evaluation.truths import ANIMAL, EMPTY, PERSON, Kinds, Truth
from database_tools.formats import isotonic_npz, ledger_json

log = logging.getLogger(__name__)

STAGE = "evaluate_detector"

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Judged:
    """Pictures that were found in both files: what people say, and what the detector does."""

    truths: list[Truth]
    kinds: npt.NDArray[np.str_]
    found: list[Detections]
    lowest: float

    def scored(self) -> Scored:
        scores = [float(one.scores.max(initial=0.0)) for one in self.found]
        names = [truth.location for truth in self.truths]
        _, place = np.unique(np.array(names, object).astype(str), return_inverse=True)
        return Scored(np.array(scores, np.float64), place)


def run(request: EvaluationRequest) -> None:
    """Judge and write everything.

    Raises:
        UserError: if nothing can be judged, or a flag fits nothing.
        FormatError: if a file breaks its format.
    """
    kinds = request.kinds
    known = request.truths()
    file = precomputed.read(request.detections, strip_prefix=request.strip_prefix)
    wanted = detection_choice.resolve(request.detection_category, file.categories)
    drops = Drops()
    judged = _match(known, kinds, file, wanted, drops)
    ledger = drops.close(STAGE, len(known), len(judged.truths))
    path = ledger_json.write(request.output_dir, ledger)
    if not (judged.kinds == ANIMAL).any():
        raise UserError(
            f"no picture with an animal can be judged: {_why(ledger, file)}; see {path}"
        )
    found = _evaluate(request, kinds, judged, file.name)
    _write(request, found)
    if request.isotonic_output is not None:
        isotonic_npz.write(request.isotonic_output, _curve(judged))
    _report(request, found, ledger)


def _why(ledger: Ledger, file: Precomputed) -> str:
    said = ledger.summary() or "the labels are all of people or empty pictures"
    return f"{said}; the detection file has, for example, {file.example()!r}"


def _match(
    known: Sequence[Truth],
    kinds: Kinds,
    file: Precomputed,
    wanted: frozenset[str] | None,
    drops: Drops,
) -> _Judged:
    """Find each picture in the detection file; note why the others are not judged."""
    kept: list[Truth] = []
    named: list[str] = []
    results: list[Detections] = []
    lowest = 1.0
    for truth in known:
        kind = kinds.judge(truth)
        if kind not in (ANIMAL, EMPTY, PERSON):
            drops.add(kind, truth.file)
            continue
        found = file.find(truth.id, truth.file)
        if found is None:
            drops.add(reasons.NOT_IN_DETECTION_FILE, truth.file)
        elif isinstance(found, Failure):
            drops.add(reasons.FAILURE_IN_DETECTION_FILE, truth.file)
        else:
            lowest = min(lowest, float(found.scores.min(initial=1.0)))
            of_animals = [wanted is None or c in wanted for c in found.categories]
            kept.append(truth)
            named.append(kind)
            results.append(found.select(np.array(of_animals, bool)))
    return _Judged(kept, np.array(named, np.str_), results, lowest)


def _evaluate(
    request: EvaluationRequest, kinds: Kinds, judged: _Judged, detector: str
) -> Evaluation:
    scored, grid = judged.scored(), keeping.grid(judged.lowest)
    animal, empty = judged.kinds == ANIMAL, judged.kinds == EMPTY
    by_label, by_place = _rows(kinds, judged)

    def kept(rows: Rows) -> Kept:
        return keeping.kept(scored.of(rows), grid)

    return Evaluation(
        detector,
        grid,
        kept(np.flatnonzero(animal)),
        kept(np.flatnonzero(empty)),
        {label: kept(rows) for label, rows in by_label.items()},
        {
            place: (kept(rows[animal[rows]]), kept(rows[empty[rows]]))
            for place, rows in by_place.items()
        },
        keeping.propose(scored.of(np.flatnonzero(animal)), grid, request.keep),
        request.keep,
        _boxes(kinds, judged),
        int((judged.kinds == PERSON).sum()),
        sum(truth.of_sequence for truth in judged.truths),
    )


def _rows(kinds: Kinds, judged: _Judged) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """Return which pictures are of each label of animals, and of each location; people are not."""
    by_label: defaultdict[str, list[int]] = defaultdict(list)
    by_place: defaultdict[str, list[int]] = defaultdict(list)
    for row, (truth, kind) in enumerate(zip(judged.truths, judged.kinds, strict=True)):
        if kind != PERSON:
            by_place[str(truth.location)].append(row)
        for label in kinds.animals(truth.labels):
            by_label[label].append(row)
    labels, places = (
        {name: np.array(rows, np.intp) for name, rows in sorted(found.items())}
        for found in (by_label, by_place)
    )
    return labels, places


def _boxes(kinds: Kinds, judged: _Judged) -> dict[str, float] | None:
    """Judge boxes in pictures where people drew some, and in empty ones."""
    pairs = []
    for truth, kind, found in zip(judged.truths, judged.kinds, judged.found, strict=True):
        drawn = [box for label, box in truth.boxes or () if kinds.kind(label) == ANIMAL]
        if drawn or kind == EMPTY:
            pairs.append((drawn, found))
    return box_precision.average_precision(pairs)


def _curve(judged: _Judged) -> Curve:
    """Fit how often a box is right, by whether there is an animal in its picture."""
    from sklearn.isotonic import IsotonicRegression

    used = [i for i, kind in enumerate(judged.kinds) if kind != PERSON]
    conf = np.concatenate([judged.found[i].scores for i in used])
    right = np.concatenate(
        [np.full(len(judged.found[i]), float(judged.kinds[i] == ANIMAL)) for i in used]
    )
    if not len(conf):
        raise UserError("--isotonic_output: there is no box to learn a curve from")
    fit = IsotonicRegression(y_min=0.0, y_max=1.0).fit(conf, right)
    x, y = fit.X_thresholds_.astype(np.float64), fit.y_thresholds_.astype(np.float64)
    # From 0 to 1, for other boxes too, as those drawn by hand are.
    x, y = np.array([0.0, *x, 1.0]), np.array([y[0], *y, y[-1]])
    once = np.append(True, np.diff(x) > 0)
    return Curve(x[once], y[once])


def _write(request: EvaluationRequest, found: Evaluation) -> None:
    folder = request.output_dir
    detector_tables.write(folder, found)
    files.write_text(folder / "report.html", detector_page.page(found))
    chosen = found.proposal
    summary = {
        "detector": found.detector,
        "keep": found.keep,
        "threshold": chosen.threshold,
        "kept_at_least": chosen.bound if chosen.threshold is not None else None,
        "animal_pictures": found.animals.pictures,
        "empty_pictures": found.empty.pictures,
        "pictures_of_people": found.people,
        "locations": found.animals.locations,
        "boxes": found.boxes,
    }
    files.write_json(folder / "evaluation.json", summary)


def _report(request: EvaluationRequest, found: Evaluation, ledger: Ledger) -> None:
    if summary := ledger.summary():
        log.warning("WARNING: %s", summary)
    if not found.empty.pictures:
        log.warning("WARNING: no picture has one of --empty_labels: what is removed is not judged")
    log.info("%s", detector_page.verdict(found))
    log.info("report: %s", request.output_dir / "report.html")
