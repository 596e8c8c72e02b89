"""Figures are drawn, say the same thing in the same colour, and come out the same bytes twice."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from camembert import figures
from camembert.chain import Method
from camembert.statistics import Model, ResultsError

ORDER = [
    Model("toplayer", "6", "Teacher (6 layers)", Method.TEACHER),
    Model("toplayer", "0-2", "Random weights 0-2", Method.RANDOM),
    Model("toplayer", "0-2x2.9", "From scratch, equal compute 0-2x2.9", Method.SCRATCH),
    Model("toplayer", "6-2x0", "Copied layers 6-2x0", Method.COPIED),
    Model("toplayer", "6-2", "Direct 6-2", Method.DIRECT),
    Model("toplayer", "6-2x2.33", "Direct, equal compute 6-2x2.33", Method.DIRECT_LONGER),
    Model("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT),
    Model("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE),
]
LANGUAGES = ["fr", "en", "ur"]


@pytest.fixture
def accuracy():
    """Eight models, two seeds, three languages; English is easiest, then Urdu, then French."""
    rows = [
        (model.recipe, model.chain, 1, seed, language, 0.4 + 0.03 * i + 0.01 * seed + ease)
        for i, model in enumerate(ORDER)
        for seed in (1, 2)
        for language, ease in zip(LANGUAGES, (0.0, 0.2, 0.05), strict=True)
    ]
    return pd.DataFrame(rows, columns=["recipe", "chain", "distill_seed", "seed", "language", "accuracy"])


def log(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def curve_paths(tmp_path):
    """Logs of pre-training, distillation and fine-tuning; nothing was trained for copied layers."""
    encoders, classifiers = tmp_path / "encoders" / "toplayer", tmp_path / "classifiers" / "toplayer"
    losses = [(step, 1 / step) for step in range(1, 121)]
    paths = [log(encoders / "6-2x0" / "d1.jsonl", [])]
    for chain in ("6", "0-2x2.9"):
        lines = [{"step": step, "split": "train", "loss": 9 * loss, "masked_lm": 9 * loss} for step, loss in losses]
        lines.append({"step": 120, "split": "held-out", "loss": 3.0, "masked_lm": 3.0})
        paths.append(log(encoders / chain / "d1.jsonl", lines))
    for chain in ("6-2", "6-4", "6-4-2"):
        lines = [{"step": step, "split": "train", "hidden": loss, "attention": loss / 9} for step, loss in losses]
        paths.append(log(encoders / chain / "d1.jsonl", lines))
    for model in ORDER:
        for seed in (1, 2):
            lines = [{"step": step, "split": "dev", "loss": 0.9, "accuracy": 0.5 + step / 1000} for step in (100, 200)]
            paths.append(log(classifiers / model.chain / f"d1-s{seed}.jsonl", lines))
    return paths


@pytest.fixture
def draw(accuracy, curve_paths, tmp_path):
    """A function that draws a figure by its name and returns its stem."""

    def drawn(name, folder="figures"):
        stem = tmp_path / folder / name
        data = figures.read_curves(curve_paths) if name == "training_curves" else accuracy
        getattr(figures, name)(data, ORDER, stem)
        return stem

    return drawn


FIGURES = ["accuracy_by_language", "accuracy_along_cascade", "training_curves"]


def colours_in(png):
    """Colours of a bitmap, as numbers, with the pixels that each covers."""
    with Image.open(png) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    colours, counts = np.unique(pixels @ [65536, 256, 1], return_counts=True)
    return dict(zip(colours.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_every_method_in_its_colour(draw, name):
    stem = draw(name)
    assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    pixels = colours_in(stem.with_suffix(".png"))
    for method, colour in figures.COLOURS.items():
        assert pixels.get(int(colour[1:], 16), 0) > 100, f"{method} is not to be seen in {name}"


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_twice_and_leaves_nothing_unfinished(draw, name):
    first, second = draw(name), draw(name, "again")
    for ending in (".pdf", ".png"):
        assert first.with_suffix(ending).read_bytes() == second.with_suffix(ending).read_bytes()
    assert len(list(first.parent.iterdir())) == 2


def test_a_figure_is_as_wide_as_a_page_at_200_dots_an_inch(draw):
    with Image.open(draw("accuracy_by_language").with_suffix(".png")) as image:
        assert image.width == pytest.approx(figures.WIDTH * 200, abs=1)


def test_methods_differ_in_colour_and_in_marker():
    assert set(figures.COLOURS) == set(figures.MARKERS) == set(Method)
    assert len(set(figures.COLOURS.values())) == len(set(figures.MARKERS.values())) == len(Method)
    brightness = [np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) for colour in figures.COLOURS.values()]
    assert max(brightness) < 0.75  # dark enough to be seen on white in grey


def test_two_models_of_a_method_differ_in_filling_alone():
    first, second = (Model(recipe, "6-2", f"Direct 6-2, {recipe}", Method.DIRECT) for recipe in ("a", "b"))
    styles = figures.styles_of([first, second])
    assert styles[first][:2] == styles[second][:2]
    assert styles[first].filling != styles[second].filling


def axes_of(monkeypatch, draw, name):
    """The axes of a figure, caught when it would be written."""
    caught = []
    monkeypatch.setattr(figures, "_save", lambda figure, stem: caught.append(figure))
    draw(name)
    return caught[0].axes


def test_languages_go_from_english_by_falling_accuracy_of_the_teacher(monkeypatch, draw):
    (axes,) = axes_of(monkeypatch, draw, "accuracy_by_language")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["en", "ur", "fr", "average"]
    assert "%" in axes.get_ylabel()


def test_the_cascade_goes_from_the_teacher_through_its_assistant_to_the_student(monkeypatch, draw):
    english, zero_shot = axes_of(monkeypatch, draw, "accuracy_along_cascade")
    assert [label.get_text() for label in english.get_xticklabels()] == ["6", "4", "2"]
    path = next(line for line in english.lines if len(line.get_xdata()) == 3)
    assert path.get_ydata() == pytest.approx([61.5, 79.5, 82.5])  # models 0, 6 and 7: 40 + 20 + 1.5 + 3 i
    path = next(line for line in zero_shot.lines if len(line.get_xdata()) == 3)
    assert path.get_ydata() == pytest.approx([44.0, 62.0, 65.0])


def test_a_cascade_is_joined_to_what_it_came_from_and_to_nothing_else(accuracy, monkeypatch, tmp_path):
    caught = []
    monkeypatch.setattr(figures, "_save", lambda figure, stem: caught.append(figure))
    scratch, cascade = ORDER[2]._replace(recipe="mlm", chain="0-4x2"), ORDER[7]._replace(chain="0-4x2-2")
    renamed = accuracy.replace({"chain": {"0-2x2.9": "0-4x2", "6-4-2": "0-4x2-2"}})
    renamed.loc[renamed["chain"] == "0-4x2", "recipe"] = "mlm"
    figures.accuracy_along_cascade(renamed, [ORDER[0], scratch, cascade], tmp_path / "figure")
    (path,) = (line for line in caught[0].axes[0].lines if len(line.get_xdata()) > 1)
    assert path.get_ydata() == pytest.approx([67.5, 82.5])  # models 2 and 7, without the teacher


def test_without_other_languages_there_is_no_zero_shot_panel(accuracy, monkeypatch, tmp_path):
    caught = []
    monkeypatch.setattr(figures, "_save", lambda figure, stem: caught.append(figure))
    figures.accuracy_along_cascade(accuracy[accuracy["language"] == "en"], ORDER, tmp_path / "figure")
    assert [axes.get_title() for axes in caught[0].axes] == ["English"]


def test_training_has_a_panel_for_everything_logged(monkeypatch, draw):
    panels = axes_of(monkeypatch, draw, "training_curves")
    assert [axes.get_ylabel() for axes in panels] == [panel.label for panel in figures.PANELS]
    assert [axes.get_yscale() for axes in panels] == ["linear", "log", "log", "linear"]


def test_what_was_not_trained_has_no_panel(curve_paths, monkeypatch, draw):
    for path in curve_paths:
        if "encoders" in path.parts:
            path.write_text("")
    panels = axes_of(monkeypatch, draw, "training_curves")
    assert [axes.get_ylabel() for axes in panels] == ["English dev accuracy (%)"]


def test_nothing_trained_is_refused(tmp_path):
    with pytest.raises(ResultsError, match="no training curve"):
        figures.training_curves(figures.read_curves([]), ORDER, tmp_path / "figure")


def test_a_misnamed_curve_is_refused_with_its_file(tmp_path):
    with pytest.raises(ResultsError, match=r"elsewhere\.jsonl"):
        figures.read_curves([tmp_path / "elsewhere.jsonl"])


def test_a_point_of_a_curve_is_a_mean_over_runs_and_steps():
    run = pd.DataFrame({"step": range(1, 121), "loss": range(1, 121)})
    other = run.assign(loss=run["loss"] + 1)
    points = figures.binned(pd.concat([run, other]), "loss")
    assert len(points) == figures.BINS
    assert (points.index[0], points.iloc[0]) == (1.5, 2.0)  # steps 1 and 2; losses 1, 2 and 2, 3
