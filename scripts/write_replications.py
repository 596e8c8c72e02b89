"""Writes docs/results/replications/differences.* from the records: python scripts/write_replications.py

The record of the embedded experiment is the first replication; experiments/replications/ are the others.
"""

from pathlib import Path

from camembert.paper.statistics import RETRIEVAL
from camembert.paper.tables.writing import write_table
from tools.replications import Question, differences, draw_differences, format_differences

RECORDS = Path(__file__).parents[1] / "docs" / "results"
REPLICATIONS = {
    "1": [RECORDS / name for name in ("embedded", "strided", "strided-control")],
    **{
        str(number + 1): [
            RECORDS / "replications" / f"replication-{number}{start}" for start in ("", "-strided", "-strided-control")
        ]
        for number in (1, 2, 3, 4)
    },
}
BOTTOM, SPREAD, NAMED = "toplayer/6-3x2.07", "toplayer-strided/6-3x2.07", "toplayer-3-5-6/6-3x2.07"
"""Direct students of layers 1, 2, 3, of 2, 4, 6 and of 3, 5, 6."""
COPIED = Question("Direct student minus copied layers", BOTTOM, "untrained/6-3x0")
QUESTIONS = [
    Question("Cascade minus direct student", "toplayer/6-4-3", BOTTOM),
    COPIED,
    Question("From spread layers: cascade minus direct", "toplayer-strided/6-4-3", SPREAD, (RETRIEVAL,)),
    Question("From layers 3, 5, 6: cascade minus direct", "toplayer-strided/6-4-3", NAMED, (RETRIEVAL,)),
    Question("Direct from 2, 4, 6 minus from 1, 2, 3", SPREAD, BOTTOM, (RETRIEVAL,)),
    Question("Direct from 3, 5, 6 minus from 1, 2, 3", NAMED, BOTTOM, (RETRIEVAL,)),
]
CAPTION = "How far one model of three layers is above another, in points of accuracy, in five replications."
NOTE = (
    "Direct students have the cascade's compute. Average over languages and runs in each replication, which draws "
    "data, tokenizer, teacher and runs anew; the mean over replications with Student's t interval. Lines are not "
    "corrected for one another. Runs: ten in the first replication, three in the others; from other layers, five and "
    "one."
)

if __name__ == "__main__":
    rows = differences(REPLICATIONS, QUESTIONS)
    stem = RECORDS / "replications" / "differences"
    write_table(rows, format_differences(rows), stem, CAPTION, NOTE)
    far_from_the_others = (rows["question"] == COPIED.title) & (rows["evaluation"] == RETRIEVAL)
    draw_differences(rows[~far_from_the_others], stem)
