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
QUESTIONS = [
    Question("Cascade and direct student", "toplayer/6-4-3", "toplayer/6-3x2.07"),
    Question("Direct student and copied layers", "toplayer/6-3x2.07", "untrained/6-3x0"),
    Question(
        "Cascade and direct student, spread layers",
        "toplayer-strided/6-4-3",
        "toplayer-strided/6-3x2.07",
        (RETRIEVAL,),
    ),
    Question(
        "Cascade and direct student, both of layers 3, 5, 6",
        "toplayer-strided/6-4-3",
        "toplayer-3-5-6/6-3x2.07",
        (RETRIEVAL,),
    ),
]
CAPTION = "How far the first of two models of three layers is above the second, in points of accuracy."
NOTE = (
    "Direct students have the cascade's compute. Average over languages and runs in each replication, which draws "
    "data, tokenizer, teacher and runs anew; the mean over replications with Student's t interval. Lines are not "
    "corrected for one another."
)

if __name__ == "__main__":
    rows = differences(REPLICATIONS, QUESTIONS)
    stem = RECORDS / "replications" / "differences"
    write_table(rows, format_differences(rows), stem, CAPTION, NOTE)
    draw_differences(rows, stem)
