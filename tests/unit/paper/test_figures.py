"""Figures are drawn, say the same thing in the same colour, and come out the same bytes twice."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from small_case import TASK, first, record_of, results_of, retrieval_rows, rows

from camembert.paper.answers import RETRIEVAL, RETRIEVAL_BASELINE, ComparedModel
from camembert.paper.figures import style, training
from camembert.paper.figures.accuracy import draw_accuracy_by_language, draw_layers, read_layers
from camembert.paper.figures.comparisons import draw_ablation, draw_finding
from camembert.paper.figures.costs import draw_budgets, draw_pareto
from camembert.paper.tables.accuracy import compute_summary
from camembert.paper.tables.comparisons import compare
from camembert.plan.chain import Method
from camembert.plan.experiment import Contrast, PlannedComparison

MODELS = [
    ComparedModel("toplayer", "6", "Teacher (6 layers)", Method.TEACHER),
    ComparedModel("toplayer", "0-2", "Random weights 0-2", Method.RANDOM),
    ComparedModel("toplayer", "0-2x2.9", "From scratch, equal compute 0-2x2.9", Method.SCRATCH),
    ComparedModel("toplayer", "6-2x0", "Copied layers 6-2x0", Method.COPIED),
    ComparedModel("toplayer", "6-2", "Direct 6-2", Method.DIRECT),
    ComparedModel("toplayer", "6-2x2.33", "Direct, equal compute 6-2x2.33", Method.DIRECT_LONGER),
    ComparedModel("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT),
    ComparedModel("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE),
]
EASE = {"fr": 0.0, "en": 0.2, "ur": 0.05}
LANGUAGES = list(EASE)
EQUAL = PlannedComparison(Contrast.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-2"), ("toplayer", "6-2x2.33"))


@pytest.fixture(scope="module")
def read():
    """Eight models, two runs, three languages; English is easiest, then Urdu, then French, and not in retrieval."""
    tables = []
    for i, model in enumerate(MODELS):
        rights = [[round(100 * (0.4 + 0.03 * i + 0.01 * run + ease)) for ease in EASE.values()] for run in (1, 2)]
        tables += rows(model, first(rights, 100), languages=EASE)
        tables += retrieval_rows(model, first(rights, 100)[:, ::2], languages=["fr", "ur"])
    return results_of(
        [*tables, *retrieval_rows(RETRIEVAL_BASELINE, first([[20, 20]], 100), runs=[0], languages=["fr", "ur"])]
    )


@pytest.fixture
def curves():
    """Curves of pre-training, distillation and fine-tuning; nothing was trained for copied layers."""
    steps = pd.DataFrame({"step": range(1, 121)}).assign(stage="encoders", run=1, split="train")
    loss = 1 / steps["step"]
    lines = []
    for chain in ("6", "0-2x2.9"):
        held_out = {"stage": "encoders", "run": 1, "split": "held-out", "step": 120, "masked_lm": 3, "bag_of_words": 2}
        lines.append(steps.assign(chain=chain, masked_lm=9 * loss, bag_of_words=4 * loss))
        lines.append(pd.DataFrame([held_out | {"chain": chain}]))
    parts = [panel.column for panel in training.PANELS[2:-1]]
    lines += [steps.assign(chain=chain, **dict.fromkeys(parts, loss)) for chain in ("6-2", "6-4", "6-4-2")]
    dev = [(model.chain, run, step, 0.5 + step / 1000) for model in MODELS for run in (1, 2) for step in (100, 200)]
    dev = pd.DataFrame(dev, columns=["chain", "run", "step", "accuracy"]).assign(stage="classifiers", split="dev")
    return pd.concat([*lines, dev], ignore_index=True).assign(recipe="toplayer", finetuning=1)


@pytest.fixture
def efficiency():
    """Milliseconds are layers."""
    rows = [(model.recipe, model.chain, model.layers, 1e12 * i) for i, model in enumerate(MODELS)]
    return pd.DataFrame(rows, columns=["recipe", "chain", "latency_ms_8", "training_flops"])


@pytest.fixture
def budgets():
    """Direct students at two budgets, and one cascade."""
    rows = [("6-2", False, 1.0, 0.6), ("6-2", False, 4.0, 0.7), ("6-4-2", True, 4.0, 0.65)]
    frame = pd.DataFrame(rows, columns=["way", "cascade", "training_flops", "retrieval"]).assign(recipe="toplayer")
    frame["training_flops"] *= 1e12
    return frame.assign(retrieval_low=frame["retrieval"] - 0.02, retrieval_high=frame["retrieval"] + 0.03)


@pytest.fixture
def published():
    rows = [("Published: A", "A 2020", 0.7, 0.8, 0.6, 0.7), ("Published: B", "B 2021", 0.6, 0.7, np.nan, np.nan)]
    return pd.DataFrame(rows, columns=["label", "source", *LANGUAGES, "average"])


@pytest.fixture
def recipes():
    """Three chains under two recipes, with retrieval."""
    rows = [
        (recipe, model.chain, model.method.value, *(level + 0.01 * i for level in (0.5, 0.4, 0.6)))
        for i, model in enumerate(MODELS)
        if model.method in (Method.DIRECT, Method.ASSISTANT, Method.CASCADE)
        for recipe in ("toplayer", "minilm")
    ]
    frame = pd.DataFrame(rows, columns=["recipe", "chain", "method", "average", "average_low", "average_high"])
    return frame.assign(retrieval=0.5, retrieval_low=0.4, retrieval_high=0.6)


@pytest.fixture
def draw(read, published, recipes, curves, efficiency, budgets, tmp_path):
    """A function that draws a figure by its name and returns its stem."""
    task, retrieval = read.leading[TASK], read.leading[RETRIEVAL]
    task.chance, retrieval.chance = 1 / 3, 1 / 1000
    drawn = {
        "accuracy_by_language": lambda stem: draw_accuracy_by_language(task, MODELS, stem, published),
        "retrieval_by_language": lambda stem: draw_accuracy_by_language(retrieval, MODELS, stem),
        "training_curves": lambda stem: training.draw_training_curves(curves, MODELS, stem),
        "finding": lambda stem: draw_finding(compare(read, MODELS, [EQUAL]), stem),
        "pareto": lambda stem: draw_pareto(compute_summary(record_of(read, MODELS)), efficiency, MODELS, 8, stem),
        "budgets": lambda stem: draw_budgets(budgets, stem),
        "ablation": lambda stem: draw_ablation(recipes, stem),
    }

    def draw_figure(name, folder="figures"):
        drawn[name](tmp_path / folder / name)
        return tmp_path / folder / name

    return draw_figure


def colours_in(png):
    """Colours of a bitmap, as numbers, with the pixels that each covers."""
    with Image.open(png) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    colours, counts = np.unique(pixels @ [65536, 256, 1], return_counts=True)
    return dict(zip(colours.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize("name", ["accuracy_by_language", "retrieval_by_language", "training_curves"])
def test_a_figure_shows_every_method_in_its_colour(draw, name):
    stem = draw(name)
    assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    pixels = colours_in(stem.with_suffix(".png"))
    for method, (colour, _) in style.LOOKS.items():
        assert pixels.get(int(colour[1:], 16), 0) > 100, f"{method} is not to be seen in {name}"


@pytest.mark.parametrize("name", ["budgets", "ablation"])
def test_a_figure_is_the_same_bytes_twice_and_leaves_nothing_unfinished(draw, name):
    """Those that the smallest run lacks; tests/workflow/test_paper.py compares its figures with a record's."""
    first, second = draw(name), draw(name, "again")
    for ending in (".pdf", ".png"):
        assert first.with_suffix(ending).read_bytes() == second.with_suffix(ending).read_bytes()
    assert len(list(first.parent.iterdir())) == 2


def test_a_figure_is_as_wide_as_a_page_at_200_dots_an_inch(draw):
    with Image.open(draw("accuracy_by_language").with_suffix(".png")) as image:
        assert image.width == pytest.approx(style.WIDTH * 200, abs=1)


def test_methods_differ_in_colour_and_in_marker():
    colours, markers = zip(*style.LOOKS.values(), strict=True)
    assert set(style.LOOKS) == set(Method)
    assert len(set(colours)) == len(set(markers)) == len(Method)
    brightness = [np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) for colour in colours]
    assert max(brightness) < 0.75  # dark enough to be seen on white in grey


def test_two_models_of_a_method_differ_in_filling_alone():
    first, second = (ComparedModel(recipe, "6-2", f"Direct 6-2, {recipe}", Method.DIRECT) for recipe in ("a", "b"))
    styles = style.style_models([first, second])
    assert styles[first].pop("fillstyle") != styles[second].pop("fillstyle")
    assert styles[first] == styles[second]


@pytest.fixture
def caught(monkeypatch):
    """The figures, caught when they would be written."""
    figures = []
    monkeypatch.setattr(style, "save", lambda figure, stem: figures.append(figure))
    return figures


@pytest.fixture
def axes_of(caught, draw):
    """A function that returns the panels of a figure."""
    return lambda name: draw(name) and caught[-1].axes


def test_languages_go_from_english_by_falling_accuracy_of_the_teacher(axes_of):
    (axes,) = axes_of("accuracy_by_language")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["en", "ur", "fr", "average"]
    assert "%" in axes.get_ylabel()


def test_training_has_a_panel_for_everything_logged(axes_of):
    panels = axes_of("training_curves")
    assert [axes.get_ylabel() for axes in panels] == [panel.label for panel in training.PANELS]
    assert [axes.get_yscale() for axes in panels] == ["linear", "linear", *["log"] * 8, "linear"]


def test_a_line_is_what_was_trained_on_and_a_marker_what_was_held_out(axes_of):
    (panel, *_) = axes_of("training_curves")
    held_out = [line for line in panel.lines if line.get_linestyle() == "None" and len(line.get_xdata())]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in held_out] == [(120, 3.0)] * 2
    trained = [line for line in panel.lines if line.get_linestyle() == "-" and len(line.get_xdata())]
    assert [line.get_markevery() for line in trained] == [[], []]


def test_what_was_not_trained_has_no_panel(curves, caught, tmp_path):
    training.draw_training_curves(curves[curves["stage"] == "classifiers"], MODELS, tmp_path / "figure")
    assert [axes.get_ylabel() for axes in caught[0].axes] == ["Dev accuracy (%)"]


def test_a_part_of_a_new_loss_has_a_panel_of_its_own(curves, caught, tmp_path):
    training.draw_training_curves(curves.assign(first_token=curves["hidden"]), MODELS, tmp_path / "figure")
    labels = [axes.get_ylabel() for axes in caught[0].axes]
    assert labels[-2:] == ["First token loss", "Dev accuracy (%)"]
    assert len(labels) == len(training.PANELS) + 1


def test_recipes_of_a_chain_differ_by_their_dashes(curves, caught, tmp_path):
    direct = MODELS[4]
    both = pd.concat([curves, curves[curves["chain"] == direct.chain].assign(recipe="uniform")])
    training.draw_training_curves(both, [MODELS[0], direct, direct._replace(recipe="uniform")], tmp_path / "figure")
    (legend,), accuracy = caught[0].legends, caught[0].axes[-1]
    assert [line.get_linestyle() for line in legend.get_lines()] == ["-", "-", "--"]
    assert [line.get_linestyle() for line in accuracy.lines if len(line.get_xdata())] == ["-", "-", "--"]


def test_a_point_of_a_curve_is_a_mean_over_runs_and_steps():
    run = pd.DataFrame({"step": range(1, 121), "loss": range(1, 121)})
    other = run.assign(loss=run["loss"] + 1)
    points = training.average_bins(pd.concat([run, other]), "loss")
    assert len(points) == training.BINS
    assert (points.index[0], points.iloc[0]) == (1.5, 2.0)  # steps 1 and 2; losses 1, 2 and 2, 3


def test_the_baseline_of_retrieval_is_named_in_the_legend_and_english_is_not_there(axes_of):
    (axes,) = axes_of("retrieval_by_language")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ur", "fr", "average"]
    assert axes.figure.legends[0].get_texts()[-1].get_text() == "Character n-grams"
    baseline = next(line for line in axes.lines if line.get_label() == "Character n-grams")
    assert baseline.get_ydata() == pytest.approx([20.0, 20.0, 20.0])


@pytest.mark.parametrize(("name", "percent"), [("accuracy_by_language", 100 / 3), ("retrieval_by_language", 0.1)])
def test_chance_is_that_of_the_evaluation(axes_of, name, percent):
    (axes,) = axes_of(name)
    (chance,) = (line for line in axes.lines if line.get_linestyle() == "--" and len(set(line.get_ydata())) == 1)
    assert chance.get_ydata()[0] == pytest.approx(percent)


def test_published_accuracies_are_named_in_the_legend(axes_of):
    (axes,) = axes_of("accuracy_by_language")
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert labels[-2:] == ["Published: A", "Published: B"]
    assert len(labels) == len(MODELS) + 2


def test_every_layer_of_every_model_is_drawn(caught, tmp_path):
    paths = []
    for model in MODELS:
        shares = {str(k): 0.1 * k for k in range(1, model.layers + 1)}
        facts = {"recipe": model.recipe, "chain": model.chain, "run": 1}
        paths.append(tmp_path / f"{model.chain}.json")
        paths[-1].write_text(json.dumps(facts | {"accuracy_by_layer": {"fr": shares, "ur": shares}}))
    layers = read_layers(paths)
    assert list(layers) == ["recipe", "chain", "run", "layer", "language", "accuracy"]
    draw_layers(layers, MODELS, tmp_path / "layers")
    drawn = [dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in caught[0].axes[0].lines]
    assert drawn == [pytest.approx({k: 10 * k for k in range(1, model.layers + 1)}) for model in MODELS]


def numbers_in(axes):
    """What stands at the points of a panel."""
    return [text.get_text() for text in axes.texts]


def test_the_finding_has_a_row_an_evaluation_and_its_numbers_at_the_points(axes_of, read):
    (axes,) = axes_of("finding")
    rows = {label.get_text(): place for label, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)}
    assert rows == {f"Fine-tuned on {TASK}": 0, "Retrieval, [CLS]": 1, "centred margin": 2}
    assert numbers_in(axes) == ["+6.0", "+6.0"]  # models 5 and 7: 3 points each
    places = [bar[0].get_xydata()[0].tolist() for bar in axes.containers]
    assert places == [pytest.approx([6.0, 0.0]), pytest.approx([6.0, 1.8])]
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["into English"]


def test_every_pair_has_a_panel_of_its_own_and_rows_are_named_once_a_line(caught, read, tmp_path):
    others = [("6-2x0", "6-4-2"), ("6-2", "6-4-2"), ("6-4", "6-4-2")]
    pairs = [PlannedComparison(Contrast.OTHER, ("toplayer", a), ("toplayer", b)) for a, b in others]
    draw_finding(compare(read, MODELS, [EQUAL, *pairs]), tmp_path / "finding")
    assert [axes.get_title().splitlines()[0] for axes in caught[0].axes] == [
        "Cascade 6-4-2", "Copied layers 6-2x0", "Direct 6-2", "Teacher assistant"
    ]  # fmt: skip
    named = [[label.get_fontweight() for label in axes.get_yticklabels()] for axes in caught[0].axes]
    assert named == [["bold", "normal", "bold"], [], [], ["bold", "normal", "bold"]]


def test_labels_are_spread_out_in_their_order_and_around_their_points():
    assert style.spread_out([0.5, 0.5, 0.9], 0.1) == pytest.approx([0.45, 0.55, 0.9])
    assert style.spread_out([0.52, 0.5], 0.1) == pytest.approx([0.56, 0.46])


def test_every_model_stands_at_its_latency_with_its_chain_and_random_weights_stand_nowhere(axes_of):
    retrieval, task = axes_of("pareto")
    for axes in (retrieval, task):
        points = {text.get_text(): text.xy[0] for text in axes.texts}
        assert points == {"6": 6, "6-2x0": 2, "6-2": 2, "6-2x2.33": 2, "6-4": 4, "6-4-2": 2}
        assert [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"] == ["6-4-2"]
        assert all(len(line.get_xdata()) <= 1 for bar in axes.containers for line in bar[:1]), "no line joins models"
    assert "Retrieval" in retrieval.get_ylabel()


def test_budgets_are_a_line_a_way_with_a_band(axes_of):
    (axes,) = axes_of("budgets")
    assert numbers_in(axes) == ["direct 6-2", "cascade 6-4-2"]
    direct, cascade = (bar[0].get_xydata().tolist() for bar in axes.containers)
    assert direct == [pytest.approx([1, 60]), pytest.approx([4, 70])]
    assert cascade == [pytest.approx([4, 65])]
    assert len(axes.collections) >= 2
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4"]
