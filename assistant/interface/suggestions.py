"""The next questions that the page offers: they follow from what was asked last and from what this patient has."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.session import Session

OFFERED = 4
FIRST = ("Explain my result", "How good was the test?", "What does the z-score mean?", "Should I exercise?")
NEXT = {
    "explain_result": ("And is that bad?", "Why?", "What should I do next?"),
    "quality": ("Explain my result", "What does the curve look like?"),
    "pattern": ("Why?", "What would change it?"),
    "exercise": ("When should I see a doctor?", "What would change it?"),
    "stop_smoking": ("What would change it?", "Should I exercise?"),
    "blood_pressure": ("And is that bad?", "What would change it?"),
    "risks": ("Why this risk?", "What would change it?"),
    "next_steps": ("When should I see a doctor?", "What would change it?"),
}
GENERAL = (*FIRST, "Show me the flow-volume loop", "What are my risks?", "What should I do next?", "What was not measured?")
# what is known (a fact, and the words of its status that make it worth a question) -> the question; the most pressing first
_BY_STATUS = (
    ("spo2_percent", ("low", "slightly low"), "When should I see a doctor?"),
    ("systolic_bp_mmhg", ("low", "raised", "high"), "What about my blood pressure?"),
    ("diastolic_bp_mmhg", ("raised", "high"), "What about my blood pressure?"),
    ("hba1c_percent", ("raised", "high"), "What about my blood sugar?"),
    ("glucose_mg_dl", ("raised", "high"), "What about my blood sugar?"),
    ("total_cholesterol_mg_dl", ("raised", "high"), "What about my cholesterol?"),
    ("bmi_kg_m2", ("low", "raised", "high"), "What about my weight?"),
    ("fev1_l", ("borderline", "borderline low"), "What does the z-score mean?"),
)
_INHALED = ("salbutamol", "albuterol", "formoterol", "salmeterol", "tiotropium", "budesonide", "fluticasone", "beclomet", "ipratropium", "inhaler")
_OFTEN = 1.5  # times what is usual for age and sex: a risk worth a question
_OLD = 65  # years from which vaccines are offered to everybody; WHO and national schedules


def suggestions(session: Session | None) -> list[str]:
    """Four next questions, none asked before: two that follow the last answer, then what this patient's findings call for."""
    if session is None:
        return list(FIRST)
    asked = {turn.question.lower() for turn in session.turns}
    last = session.turns[-1].seen.intent if session.turns else ""
    follow = [question for question in NEXT.get(last, ()) if question.lower() not in asked][:2]
    pool = [*follow, *fitting(session), *GENERAL]
    return [question for question in dict.fromkeys(pool) if question.lower() not in asked][:OFFERED]


def fitting(session: Session) -> Iterator[str]:
    """What this patient's own findings make one ask, the most pressing first."""
    known, patient = {fact.name: fact for fact in session.facts}, session.patient
    if session.spirometry is None:
        yield "What was not measured?"
    elif "pattern" in known:
        yield "Explain my result"
    else:
        yield "How good was the test?"
        yield "What was not measured?" if None in (patient.sex, patient.age_years, patient.height_cm) else "What should I do next?"
    if "bronchodilator" in known:
        yield "Did I respond to the spray?"
    if patient.smoking_status == "current":
        yield "How do I stop smoking?"
    for name, statuses, question in _BY_STATUS:
        if name in known and known[name].status in statuses:
            yield question
    if "pattern" in known and not known["pattern"].text.startswith("normal"):
        yield "What does the curve look like?" if session.spirometry is not None and session.spirometry.shape else "Which pattern does my test show?"
    if any(risk.population and risk.probability > _OFTEN * risk.population for risk in session.risks):
        yield "What are my risks?"
    if any(part in medicine.lower() for medicine in patient.medications for part in _INHALED):
        yield "How do I use my inhaler?"
    if patient.symptoms:
        yield "When should I see a doctor?"
    if "fev1_grade" in known and known["fev1_grade"].text in "DEFU":
        yield "How good was the test?"
    if patient.age_years is not None and patient.age_years >= _OLD:
        yield "Which vaccines do I need?"
