from __future__ import annotations

import pytest

from reproduction import fig3, fig4, fig5
from reproduction.fig5 import told
from reproduction.reading import (
    Answer,
    Question,
    Reading,
    Said,
    accuracy,
    all_texts,
    apart,
    asking,
    auc,
    commonest,
    facts_of,
    photographs_missing,
    probabilities,
    read,
    reading_of,
    recall,
)
from reproduction.study import Job

HAIR = asking("hair", "bright hair", "dark hair")
UNKNOWN = asking("beyond", "an alien", "bright hair")
TEXTS = all_texts((HAIR, UNKNOWN))


def test_images_are_read_once_and_more_are_added(job: Job) -> None:
    from dataclasses import replace

    read(job, TEXTS)
    before = list(job.records.rows)
    assert len(before) == 1 + job.seeds
    read(replace(job, seeds=5), TEXTS)
    assert job.records.rows[: len(before)] == before
    assert len(job.records.rows) == 1 + 5


def test_what_is_true_counts_and_what_cannot_be_told_does_not(job: Job) -> None:
    read(job, TEXTS)
    reading = reading_of(job, TEXTS)
    answers = reading.answers(HAIR)
    assert 0 < len(answers) <= job.seeds
    assert reading.answers(UNKNOWN) == []
    truths, cosines = reading.scores(HAIR.texts[0])
    assert len(truths) == len(cosines) > 0
    assert reading.scores(UNKNOWN.texts[0]) == ([], [])


def test_a_text_may_be_true_when_another_is(job: Job) -> None:
    meant = Said("make it bright", "bright hair")
    read(job, [meant, Said("bright hair")])
    for row in job.records.of("read"):
        assert row["truths"][0] == row["truths"][1]
        assert row["world"][0] != row["world"][1]
    assert facts_of([meant]) == {"texts": [["make it bright", "bright hair"]]}


def test_an_image_counts_where_exactly_one_text_is_true() -> None:
    texts = all_texts((HAIR,))
    truths = ([True, False], [True, True], [False, False], [None, True], [False, True])
    rows = tuple(
        {"seed": seed, "truths": each, "world": [0.4, 0.1]} for seed, each in enumerate(truths)
    )
    found = Reading(rows, {text: i for i, text in enumerate(texts)}).answers(HAIR)
    assert found == [Answer(0, 0, (0.4, 0.1)), Answer(4, 1, (0.4, 0.1))]
    assert [answer.right for answer in found] == [True, False]


def test_scores_of_answers() -> None:
    answers = [Answer(7, 0, (0.9, 0.1))] * 6 + [Answer(7, 1, (0.9, 0.1))] * 2
    found = accuracy(answers)
    assert found is not None
    assert found["median"] == 0.75
    assert found["low"] < 0.75 < found["high"]
    assert commonest(answers) == 0.75
    assert recall(answers) == 0.5
    assert accuracy([]) is None


def test_auc_is_the_chance_of_being_ahead() -> None:
    assert auc([True, False], [1.0, 0.0]) == 1.0
    assert auc([True, False], [0.0, 1.0]) == 0.0
    assert auc([True, False, False, True], [1.0, 1.0, 0.0, 0.5]) == pytest.approx(0.625)
    assert auc([True, True], [1.0, 0.0]) is None


def test_apart_is_in_standard_deviations() -> None:
    assert apart([True, True, False, False], [3.0, 1.0, 1.0, -1.0]) == pytest.approx(2.0 / 2.0**0.5)
    assert apart([True, False, False], [1.0, 0.0, 0.5]) is None
    assert apart([True, True, False, False], [1.0, 1.0, 0.0, 0.0]) is None


def test_expansion_counts_where_texts_still_differ() -> None:
    plain = asking("q", "a", "b"), asking("same", "a", "b")
    wide = Question("q", (Said("aa", "a"), Said("bb", "b")))
    same = Question("same", (Said("x", "a"), Said("x", "b")))
    texts = all_texts((*plain, wide, same))
    row = {"seed": 0, "truths": [True, False] * 3, "world": [0.5, 0.1, 0.2, 0.3, 0.4, 0.4]}
    reading = Reading((row,), {text: i for i, text in enumerate(texts)})
    found = fig5.expansion_changes(reading, plain, (wide, same))
    assert found.accuracy == [-1.0]
    assert found.gap == [pytest.approx(-0.5)]


def test_probabilities_are_clip_s() -> None:
    assert probabilities([0.30, 0.30]) == (0.5, 0.5)
    assert probabilities([0.31, 0.30])[0] == pytest.approx(0.731, abs=1e-3)
    assert probabilities([1.0, -1.0])[0] == pytest.approx(1.0)


def test_sentences_of_fig3_follow_the_answers() -> None:
    sure, shy = Answer(7, 1, (0.50, 0.40)), Answer(7, 1, (0.40, 0.41))
    assert "survives here, 50.0% of 2" in fig3._glasses([sure, shy])
    assert "does not survive here, 0.0% of 1" in fig3._glasses([shy])
    assert "cannot be told" in fig3._glasses([Answer(7, 0, (0.5, 0.4))])
    assert "survives" in fig3._no_issue([Answer(7, 0, (0.5, 0.4))] * 50)
    assert "does not survive" in fig3._no_issue([Answer(7, 1, (0.5, 0.4))] * 50)
    assert fig3.sure_and_wrong([sure, shy]) == 0.5


def test_sentences_of_fig5_follow_the_changes() -> None:
    assert told("It", [-0.1] * 8, "gap", "things").startswith(
        "It: survives, mean change of gap -0.1"
    )
    assert told("It", [0.1] * 8, "change", "things").startswith("It: reverses")
    assert told("It", [0.1, -0.1] * 8, "change", "things").startswith("It: cannot be told")
    assert "worse in 8" in told("It", [0.1, -0.1] * 8, "change", "things")
    assert "no judge" in told("It", [], "change", "things")


def test_photographs_are_said_to_be_missing(job: Job) -> None:
    (text,) = photographs_missing(job)
    assert "Missing" in text.text  # type: ignore[union-attr]
    assert "no weights of such a world are here" in text.text  # type: ignore[union-attr]


def test_the_texts_are_different_and_enough() -> None:
    assert len(fig5.ATTRIBUTES) >= 30
    said = [text for pair in fig5.ATTRIBUTES for text in pair]
    assert len(set(said)) == len(said)
    assert len(fig4.EMOTIONS.texts) == len(fig4.NAMES)


@pytest.mark.slow
def test_the_starter_s_judge_understands_every_text() -> None:
    from eclipsed.worlds.starter.claims import parse_claim

    asked = [text.text for question in fig3.QUESTIONS[:-1] for text in question.texts]
    asked += [text.text for text in fig4.EMOTIONS.texts]
    asked += [described for described, _ in fig5.ATTRIBUTES]
    assert [text for text in asked if parse_claim(text) is None] == []
