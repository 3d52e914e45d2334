"""The second net is judged only by what it was not taught, and its limits keep what they promise."""

from __future__ import annotations

from collections import defaultdict

from assistant.disputes import OF_AN_ESTIMATE
from assistant.intents import read_natural
from assistant.net_teaching import FALSE_ALARMS, LOST, _beside_results, _limits, _rows
from assistant.safety_benchmark import MENDED_FOR, Wording, read_wordings
from assistant.taught_wordings import write_out
from assistant.triage import by_rules, stands


def test_wordings_of_one_template_and_of_one_set_are_never_both_taught_and_judged() -> None:
    real = [one for one in read_wordings() if one.set in MENDED_FOR]
    rows = _rows(real, 7)
    sources = defaultdict(set)
    for row in rows:
        sources[row.text].add(row.source)
    assert all(str(one.set) in sources[one.text] for one in real)
    by_template = defaultdict(set)
    for one in write_out():
        by_template[one.template] |= {min(sources[one.text])} if len(sources[one.text]) == 1 else set()
    assert len(by_template) > 1000 and max(map(len, by_template.values())) == 1


def test_a_question_in_which_a_rule_finds_an_emergency_is_harmless_only_where_it_is_of_an_estimate() -> None:
    taught = set(_beside_results())
    flagged = [one for one in read_natural() if one.text in taught and by_rules(one.text) is not None]
    assert len(taught) > 5_000 and flagged and all(set(one.intents) <= set(OF_AN_ESTIMATE) for one in flagged)


def test_the_limits_let_through_and_take_back_no_more_than_they_promise() -> None:
    plain = [Wording(1, "harmless", f"what is value number {n}?") for n in range(1000)]
    crushing = [Wording(1, "emergency", f"crushing chest pain, it began on day {n}") for n in range(1000)]
    assert not any(by_rules(one.text) for one in plain)
    assert all((found := by_rules(one.text)) and not stands(found) for one in crushing)
    odds = {one.text: n / 250 - 5 for n, one in enumerate(plain)} | {one.text: n / 250 - 6 for n, one in enumerate(crushing)}
    found = _limits([*plain, *crushing], odds)
    assert 0 < sum(odds[one.text] >= found["alarm"] for one in plain) <= FALSE_ALARMS * len(plain)
    assert 0 < sum(odds[one.text] < found["doubt"] for one in crushing) <= LOST * len(crushing)
    assert found["unread"] == {"1": {"recall": 1 - LOST, "false_alarms": FALSE_ALARMS}}


def test_an_alarm_that_stands_counts_as_caught_whatever_the_net_says() -> None:
    plain = [Wording(1, "harmless", f"what is value number {n}?") for n in range(50)]
    said = [Wording(1, "emergency", "I want to kill myself tonight"), Wording(1, "emergency", "I have crushing chest pain")]
    odds = {one.text: -9.0 for one in plain} | {said[0].text: -20.0, said[1].text: 3.0}
    assert _limits([*plain, *said], odds)["unread"]["1"]["recall"] == 1.0
