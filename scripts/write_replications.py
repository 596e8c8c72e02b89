"""Writes docs/results/replications/differences.* from the records: python scripts/write_replications.py

The replications are experiments/replications/; the record of the toy experiment is shown beside them.
"""

from pathlib import Path

from camembert.paper.tables.writing import write_table
from tools.replications import Question, compute_differences, draw_differences, format_differences

RECORDS = Path(__file__).parents[1] / "docs" / "results"
REPLICATIONS = {str(number): RECORDS / f"replication-{number}" for number in (1, 2, 3, 4)}
DIRECT = "toplayer/6-3x2.07"
QUESTIONS = [
    Question("Cascade minus direct student", "toplayer/6-4-3", DIRECT),
    Question("Direct student minus copied layers", DIRECT, "untrained/6-3x0"),
]
CAPTION = "How far one model of three layers is above another, in points of accuracy, in four replications."
NOTE = (
    "Direct students have the cascade's compute. Average over languages and runs in each replication, which draws "
    "data, tokenizer, teacher and runs anew; the mean over replications with Student's t interval. Lines are not "
    "corrected for one another. Three runs a replication. The record, with ten, is none: settings were chosen "
    "on it. Readings: what all that every replication has say; a dash where there is only one."
)

if __name__ == "__main__":
    rows = compute_differences(REPLICATIONS, QUESTIONS, RECORDS / "toy")
    stem = RECORDS / "replications" / "differences"
    write_table(rows, format_differences(rows), stem, CAPTION, NOTE)
    draw_differences(rows, stem)
