"""The honest table as Markdown and figures, and where they are written."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from assistant.benchmark import commit, hardware, write_json
from encoders.evaluation import ABLATIONS, MODELS, TRAITS, Evaluation
from encoders.model_folder import fingerprint
from encoders.record import RISK_TRAITS
from encoders.scores import calibration_bins

INDEX = {"fev1_l": "FEV1", "fvc_l": "FVC", "fev1_fvc": "FEV1/FVC", "pef_l_s": "PEF", "fef25_75_l_s": "FEF25-75", "bev_l": "BEV", "fet_s": "FET"}
FIGURES = ("roc", "calibration", "ablations")
INK = {"ours": "#0072B2", "logistic_regression": "#D55E00", "lightgbm": "#00775a"}  # Okabe and Ito
_LINE = {"ours": "-", "logistic_regression": "--", "lightgbm": ":"}


def provenance(model_folder: Path, cohort: Path, later: Path | None, seed: int, minutes: float) -> dict[str, Any]:
    """What was measured, on what, when: enough to do it again."""
    import torch

    training = model_folder / "training.json"
    taught = json.loads(training.read_text(encoding="utf-8")) if training.is_file() else {}
    return {
        "model": model_folder.name, "weights_sha256": fingerprint(model_folder), "model_trained": {name: taught.get(name) for name in ("date", "commit", "minutes", "hardware")},
        "cohort": cohort.name, "tested_on": later.name if later else "test fold", "seed": seed, "commit": commit(), "date": dt.date.today().isoformat(),
        "hardware": torch.cuda.get_device_name() if torch.cuda.is_available() else hardware(), "minutes": round(minutes, 1),
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The README's and the card's lines."""
    said, rows = found["provenance"], found["traits"]
    lines = [
        f"On {'adults of ' + said['tested_on'] if said['tested_on'] != 'test fold' else 'the test fold'} ({found['people']['test']} people; {found['people']['train']} to "
        f"train and {found['people']['validation']} to validate the classical models). AUROC with 95 % bootstrap interval; AP average precision; O/E observed over expected; slope of "
        "calibration (1 is perfect). A dash: too few cases.",
        "",
        "| trait | cases / people | ours | logistic regression | LightGBM | encoders + linear head | late fusion | ours: AP | Brier | ECE | O/E | slope |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        models = row["models"]
        ours = models.get("ours", {})
        cells = [_area(models.get("ours"), with_interval=True), *(_area(models.get(name)) for name in list(MODELS)[1:5])]
        cells += [
            _figure(ours, name, digits)
            for name, digits in (("average_precision", 2), ("brier", 3), ("ece", 3), ("observed_over_expected", 2), ("calibration_slope", 2))
        ]
        lines.append(f"| {_words(row['trait'])} | {row['cases']} / {row['people']} | {' | '.join(cells)} |")
    lines += ["", *_conclusions(found["summary"]), ""]
    lines += _ablations(found)
    lines += _held_out(found["held_out"])
    lines += _left_out(found)
    lines += _groups(found["groups"])
    lines += _probes(found)
    if "simulated" in found:
        share = found["simulated"]["share"]
        lines += [
            f"**A known limit.** Simulated people whose risks are known: after {found['simulated']['minutes']:g} minutes of teaching a copy (language model frozen) ours comes "
            f"{100 * share['ours']:.0f} % of the way from chance to the Bayes-optimal AUROC (logistic regression {100 * share['logistic_regression']:.0f} %; ours before it was "
            f"taught these people {100 * share['before_teaching']:.0f} %).",
            "",
        ]
    return "\n".join([
        *lines,
        f"Model {said['model']} (weights {said['weights_sha256']}), {said['cohort']}, seed {said['seed']}, commit {said['commit']}, {said['hardware']}, {said['date']}, "
        f"{said['minutes']:g} minutes, {found['resamples']} resamples; by `breathwise evaluate risk COHORT "
        f"--limit-minutes {found.get('simulated', {}).get('minutes', 0):g} --left-out-minutes {found.get('left_out_minutes', 0):g} --seed {said['seed']}`.",
    ])  # fmt: skip


def _words(name: str) -> str:
    return dict(RISK_TRAITS).get(name, name.replace("_", " "))


def _area(one: dict[str, Any] | None, *, with_interval: bool = False) -> str:
    if not one or "auroc" not in one:
        return "–"
    return f"{one['auroc']:.3f}" + (f" ({one['auroc_low']:.3f} to {one['auroc_high']:.3f})" if with_interval else "")


def _figure(one: dict[str, Any], name: str, digits: int) -> str:
    return f"{one[name]:.{digits}f}" if name in one else "–"


def _conclusions(found: dict[str, Any]) -> list[str]:
    if not found["traits_ranked"]:
        return ["No trait had enough cases to rank people by."]
    mean = ", ".join(f"{MODELS[name]} {value:.3f}" for name, value in found["mean_auroc"].items())
    lead, count = found["mean_lead_over_logistic_regression"], found["traits_ranked"]
    return [
        f"Mean AUROC: {mean}. Ours is within 0.005 of logistic regression on all columns, or better, in {found['within_0.005_of_logistic_regression_or_better']} of {count} traits; "
        f"the mean difference is {lead:+.3f}. Mean predicted risk within 0.75 to 1.33 of the observed in {found['observed_over_expected_within_0.75_1.33']} of {len(TRAITS)}."
    ]


def _ablations(found: dict[str, Any]) -> list[str]:
    """Change of AUROC when part of the input is taken away or exchanged; the model is the same."""
    if not found["summary"]["traits_ranked"]:
        return []
    rows = {row["trait"]: row["ablations"] for row in found["traits"]}
    lines = ["| change of AUROC at inference | current asthma | COPD | all traits |", "|---|---|---|---|"]
    for name, said in ABLATIONS.items():
        cells = [_change(rows[trait].get(name)) for trait in ("asthma_current", "copd")]
        lines.append(f"| {said} | {' | '.join(cells)} | {found['summary']['mean_change'][name]:+.3f} |")
    return [*lines, ""]


def _change(one: dict[str, float] | None) -> str:
    return "–" if one is None else f"{one['change']:+.3f} ({one['change_low']:+.3f} to {one['change_high']:+.3f})"


def _held_out(rows: list[dict[str, Any]]) -> list[str]:
    """Traits the model was never taught."""
    lines = [
        "| never trained, asked in words | cases / people | ours, zero-shot | mean of the trained answers | logistic regression trained on it |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        known = row.get("compared", {})
        cells = [_figure(row, "auroc", 3), *(_figure(known.get(name, {}), "auroc", 3) for name in ("trained_answers", "trained_logistic_regression"))]
        lines.append(f"| {_words(row['trait'])} | {row['cases']} / {row['people']} | {' | '.join(cells)} |")
    return [*lines, ""]


def _left_out(found: dict[str, Any]) -> list[str]:
    """Each of the eight traits as if it had never been taught."""
    if not found.get("left_out"):
        return []
    lines = ["| left out while teaching the soft tokens, then asked in words | cases / people | ours, left out | mean of the seven others | ours, taught |"]
    lines.append("|---|---|---|---|---|")
    for row in found["left_out"]:
        known = row.get("compared", {})
        cells = [_figure(row, "auroc", 3), *(_figure(known.get(name, {}), "auroc", 3) for name in ("others", "taught"))]
        lines.append(f"| {_words(row['trait'])} | {row['cases']} / {row['people']} | {' | '.join(cells)} |")
    return [*lines, f"(Readers taught {found['left_out_minutes']:g} minutes each; the frozen language model is the same in all.)", ""]


def _probes(found: dict[str, Any]) -> list[str]:
    """What the soft tokens carry, and how true the rebuilt curves are."""
    seen = found["probes"]
    r2 = ", ".join(f"{INDEX[name]} {value:.3f}" for name, value in seen["r2"].items())
    lines = [
        f"**What the soft tokens carry.** A linear map from the curve's soft tokens gives, for {seen['people']} people of the test fold, R2: {r2}. With the table's fields a linear "
        f"classifier names the pattern ({seen['pattern']['classes']} of them) rightly in {100 * seen['pattern']['accuracy']:.1f} % (the commonest one is "
        f"{100 * seen['pattern']['commonest']:.1f} %).",
        "",
    ]
    if "rebuilt" in found:
        close = ", ".join(f"{INDEX[name]} {100 * value:.1f} %" for name, value in found["rebuilt"]["within"].items() if value is not None)
        lines += [
            f"**Rebuilt curves.** Of {found['rebuilt']['people']} people, {found['rebuilt']['curves']} have indices; their rebuilt curves measure to the recorded value within "
            f"1 % or 10 mL (10 mL/s, 0.1 s) in: {close}.",
            "",
        ]
    return lines


def _groups(rows: list[dict[str, Any]]) -> list[str]:
    """Each group over all traits: mean AUROC where enough cases, cases observed and expected."""
    lines = ["| group | people | mean AUROC, ours (traits) | logistic regression | cases observed / expected |", "|---|---|---|---|---|"]
    for group in dict.fromkeys(row["group"] for row in rows):
        inside = [row for row in rows if row["group"] == group]
        both = [row for row in inside if "auroc" in row and "auroc_logistic_regression" in row]
        cases, expected = sum(row["cases"] for row in inside), sum(row["expected"] for row in inside)
        areas = [f"{np.mean([row[name] for row in both]):.3f}" if both else "–" for name in ("auroc", "auroc_logistic_regression")]
        lines.append(f"| {group} | {max(row['people'] for row in inside)} | {areas[0]} ({len(both)}) | {areas[1]} | {cases} / {expected:.0f} |")
    return [*lines, ""]


# figures -------------------------------------------------------------------------------------------------------------
def figures(result: Evaluation) -> dict[str, Figure]:
    """ROC and calibration of every trait, and what the ablations change."""
    return {
        "roc": _panels(result, "ROC on held-out people", _roc),
        "calibration": _panels(result, "Calibration on held-out people", _reliability),
        "ablations": _bars(result),
    }


def _panels(result: Evaluation, title: str, draw: Any) -> Figure:
    figure = Figure(figsize=(10.0, 5.4), layout="constrained", facecolor="white")
    axes = figure.subplots(2, 4)
    for index, (trait, place) in enumerate(zip(TRAITS, axes.flat, strict=True)):
        place.set_title(_words(trait), fontsize=9)
        place.tick_params(labelsize=7)
        place.grid(color="#dfe4e9", linewidth=0.5)
        known = ~np.isnan(result.truth[:, index])
        for name in INK:
            risk = result.risks[name][known, index] if name in result.risks else np.array([np.nan])
            if known.any() and not np.isnan(risk).any() and 0 < result.truth[known, index].sum() < known.sum():
                draw(place, result.truth[known, index], risk, name)
    handles, names = axes.flat[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.suptitle(title, x=0.02, ha="left", fontsize=11, fontweight="bold")
    return figure


def _roc(axes: Any, truth: Any, risk: Any, name: str) -> None:
    order = np.argsort(-risk, kind="stable")
    found, false = np.cumsum(truth[order]) / truth.sum(), np.cumsum(1 - truth[order]) / (1 - truth).sum()
    at = np.unique(np.linspace(0, len(found) - 1, 150).astype(int))
    axes.plot(np.r_[0, false[at]], np.r_[0, found[at]], color=INK[name], linestyle=_LINE[name], linewidth=1.3, label=MODELS[name])
    axes.plot([0, 1], [0, 1], color="#9aa5b1", linewidth=0.6)


def _reliability(axes: Any, truth: Any, risk: Any, name: str) -> None:
    bins = calibration_bins(truth, risk)
    expected, observed = [one[0] for one in bins], [one[1] for one in bins]
    top = max(*expected, *observed, 0.02) * 1.08
    axes.plot(expected, observed, color=INK[name], linestyle=_LINE[name], marker="o", markersize=3, linewidth=1.1, label=MODELS[name])
    axes.plot([0, top], [0, top], color="#9aa5b1", linewidth=0.6)


def _bars(result: Evaluation) -> Figure:
    figure = Figure(figsize=(8.0, 4.2), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    rows, names = {row["trait"]: row["ablations"] for row in result.found["traits"]}, list(ABLATIONS)
    for shift, (trait, ink) in enumerate((("asthma_current", "#0072B2"), ("copd", "#D55E00"))):
        given = [(place, rows[trait][name]) for place, name in enumerate(names) if name in rows[trait]]
        if given:
            change = np.array([one["change"] for _, one in given])
            low, high = (np.array([one[end] for _, one in given]) for end in ("change_low", "change_high"))
            spread = np.abs(np.stack([np.minimum(low - change, 0), np.maximum(high - change, 0)]))
            axes.barh([place + 0.38 * shift for place, _ in given], change, 0.36, xerr=spread, color=ink, ecolor="#22282f", capsize=2, label=_words(trait))
    axes.set_yticks(np.arange(len(names)) + 0.19, [ABLATIONS[name] for name in names], fontsize=8)
    axes.invert_yaxis()
    axes.axvline(0, color="#22282f", linewidth=0.8)
    axes.set_xlabel("change of AUROC, with 95 % interval", fontsize=9)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    figure.suptitle("What the model reads: part of its input taken away or exchanged", x=0.02, ha="left", fontsize=11, fontweight="bold")
    return figure


def write(result: Evaluation, out: Path) -> str:
    """``evaluation.json``, ``evaluation.md`` and ``figures/*.png`` into a folder; returns the table's lines."""
    (out / "figures").mkdir(parents=True, exist_ok=True)
    write_json(result.found, out / "evaluation.json")
    lines = table(result.found)
    (out / "evaluation.md").write_text(f"# Risk on held-out people\n\n{lines}\n", encoding="utf-8")
    for name, figure in figures(result).items():
        figure.savefig(out / "figures" / f"{name}.png", dpi=90, metadata={"Software": None})
    return lines
