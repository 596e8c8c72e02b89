"""What a chain means."""

import pytest

from camembert.plan.chain import (
    ChainError,
    Method,
    check_against_teacher,
    label_of,
    layer_passes,
    matched_direct,
    matched_scratch,
    method_of,
    parse_chain,
)


@pytest.mark.parametrize("text", ["12", "12-6", "12-10-8-6", "12-6x0", "12-6x3.4", "0-6", "0-6x2", "0-6x2-4"])
def test_a_chain_is_written_as_it_is_read(text):
    assert str(parse_chain(text)) == text


@pytest.mark.parametrize(("text", "canonical"), [("6-2x1", "6-2"), ("6-2x2.0", "6-2x2"), ("0-2x0", "0-2")])
def test_a_budget_that_goes_without_saying_is_not_written(text, canonical):
    assert str(parse_chain(text)) == canonical
    assert parse_chain(text) == parse_chain(canonical)


def test_a_hop_has_one_budget_and_random_weights_have_none():
    assert parse_chain("6-2").budget == 1
    assert parse_chain("0-2").budget == 0
    assert parse_chain("6").budget == 0


def test_the_parent_is_the_teacher_of_the_last_hop():
    assert parse_chain("12-10-8").parent == parse_chain("12-10")
    assert parse_chain("0-6x2-4").parent == parse_chain("0-6x2")
    assert parse_chain("12").parent is None
    assert parse_chain("0-6x2").parent is None


def test_the_ancestry_runs_from_the_root_to_the_chain():
    assert [str(link) for link in parse_chain("12-10-8").ancestry] == ["12", "12-10", "12-10-8"]


def test_layers_are_those_of_the_last_hop():
    assert [parse_chain(text).layers for text in ("12", "12-10-8", "0-6")] == [12, 8, 6]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("6-2-4", "grows from 2 to 4"),
        ("6-8", "grows from 6 to 8"),
        ("0-2x3-4", "grows from 2 to 4"),
        ("6-6", "repeats 6"),
        ("6-4-4x2", "repeats 4"),
        ("0", "no layers"),
        ("6-2x-1", "at least 0"),
        ("6-0", "not written as"),
        ("06", "not written as"),
        ("6-", "not written as"),
        ("6-2x", "not written as"),
        ("6-2x1e3", "not written as"),
        ("six", "not written as"),
        ("", "not written as"),
    ],
)
def test_a_chain_that_cannot_be_built_is_refused_with_the_reason(text, reason):
    with pytest.raises(ChainError, match=reason) as error:
        parse_chain(text)
    assert repr(text) in str(error.value)


def test_a_chain_starts_at_the_teacher_or_at_random_weights():
    check_against_teacher(parse_chain("6-2"), 6)
    check_against_teacher(parse_chain("0-8"), 6)
    with pytest.raises(ChainError, match="'8-2' starts with 8, but the teacher has 6 layers"):
        check_against_teacher(parse_chain("8-2"), 6)


def test_a_hop_costs_one_pass_of_its_teacher_and_three_of_its_student():
    assert layer_passes(parse_chain("12-6")) == 12 + 3 * 6
    assert layer_passes(parse_chain("12-6x2")) == 2 * (12 + 3 * 6)
    assert layer_passes(parse_chain("12-8-6")) == (12 + 3 * 8) + (8 + 3 * 6)
    assert layer_passes(parse_chain("12-6x0")) == 0
    assert layer_passes(parse_chain("12")) == 0


@pytest.mark.parametrize(("cascade", "direct"), [("12-10-8-6", "12-6x3.4"), ("6-4-2", "6-2x2.33")])
def test_a_direct_student_gets_the_compute_of_the_cascade(cascade, direct):
    assert str(matched_direct(parse_chain(cascade))) == direct


def test_pretraining_from_scratch_pays_for_its_head():
    cascade = parse_chain("12-10-8-6")
    assert str(matched_scratch(cascade, head_passes=0)) == "0-6x5.67"  # 102 / (3 * 6)
    assert str(matched_scratch(cascade, head_passes=4)) == "0-6x3.4"  # 102 / (3 * 10)


@pytest.mark.parametrize(
    ("text", "distilled", "seeded"),
    [
        ("6", False, False),
        ("6-2x0", False, False),
        ("6-2", True, True),
        ("6-4-2x0", True, True),
        ("0-2", False, True),
        ("0-2x3", False, True),
        ("0-4x3-2x0", False, True),
        ("0-4x3-2", True, True),
    ],
)
def test_only_what_follows_a_draw_depends_on_the_run(text, distilled, seeded):
    assert parse_chain(text).is_distilled is distilled
    assert parse_chain(text).depends_on_run is seeded


@pytest.mark.parametrize(
    ("text", "method", "label"),
    [
        ("6", Method.TEACHER, "Teacher (6 layers)"),
        ("0-2", Method.RANDOM, "Random weights 0-2"),
        ("0-2x2", Method.SCRATCH, "Pre-trained from scratch 0-2x2"),
        ("0-2x3.01", Method.SCRATCH, "From scratch, equal compute 0-2x3.01"),
        ("6-2x0", Method.COPIED, "Copied layers 6-2x0"),
        ("6-2", Method.DIRECT, "Direct 6-2"),
        ("6-2x0.5", Method.DIRECT, "Direct 6-2x0.5"),
        ("6-2x3", Method.DIRECT_LONGER, "Direct, longer 6-2x3"),
        ("6-2x2.33", Method.DIRECT_LONGER, "Direct, equal compute 6-2x2.33"),
        ("6-4", Method.ASSISTANT, "Teacher assistant 6-4"),
        ("6-4-2", Method.CASCADE, "Cascade 6-4-2"),
    ],
)
def test_a_chain_is_named_by_its_method_and_equal_compute_only_where_it_was_computed(text, method, label):
    cascades = [parse_chain("6-4-2")]
    matched = [parse_chain("6-2x2.33"), parse_chain("0-2x3.01")]
    assert method_of(parse_chain(text), cascades) is method
    assert label_of(parse_chain(text), cascades, matched) == label
