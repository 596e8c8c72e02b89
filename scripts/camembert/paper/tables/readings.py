"""What each reading of retrieval says of every model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from camembert.paper.answers import Results
from camembert.paper.intervals import interval
from camembert.paper.statistics import RETRIEVAL, RETRIEVAL_BASELINE, Model
from camembert.paper.tables.writing import NOTHING
from camembert.plan.readings import Direction, Reading

CAPTION = "Retrieval in all readings, into English / from English, in percent."
NOTE = (
    "Averages over the languages, then over the runs. Cosine: the sentence whose vector has the largest cosine. "
    "Centred: each language's mean over the sentences that are retrieved among is taken off first, which uses all of "
    "them at once (it is transductive); centred on training: the mean over text that was trained on. Margin: the "
    "cosine over the mean cosine with the nearest neighbours on both sides (Artetxe and Schwenk 2019). **Bold**: the "
    "reading that leads."
)


def retrieval_readings(results: Results, models: Sequence[Model]) -> pd.DataFrame:
    """One row a model, the baseline last, and reading: the average over languages with its interval (shares).

    Columns: recipe, chain, label, reading, pooling, similarity, direction, leads, accuracy, low, high.
    """
    rows = []
    for model in [*models, RETRIEVAL_BASELINE]:
        for name, answers in results.readings(RETRIEVAL).items():
            own = answers.accuracy
            if not ((own["recipe"] == model.recipe) & (own["chain"] == model.chain)).any():
                continue  # the baseline reads no training text
            reading = Reading.parse(name)
            found = interval(answers.scores(model, answers.languages))
            whose = {"recipe": model.recipe, "chain": model.chain, "label": model.label, "reading": name}
            how = reading._asdict() | {"leads": name == results.headline(RETRIEVAL)}
            rows.append(whose | how | {"accuracy": found.mean, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)


def format_readings(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: a row a reading, a column a model."""
    rows = []
    for _, own in numbers.groupby(["pooling", "similarity"], sort=False):
        title = Reading.parse(own["reading"].iloc[0]).title
        row = {"Reading": f"**{title}**" if own["leads"].any() else title}
        for label in numbers["label"].unique():
            shares = own[own["label"] == label].set_index("direction")["accuracy"]
            both = [f"{100 * shares[each]:.1f}" if each in shares else NOTHING for each in Direction]
            row[label] = NOTHING if both[0] == both[1] == NOTHING else " / ".join(both)
        rows.append(row)
    return pd.DataFrame(rows)
