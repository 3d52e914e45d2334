"""What code says about the person and about itself where the language model was not taught to: fitness, causes, further tests, what it cannot do."""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.asking import Asking, listed, result
from encoders.record import RISK_TRAITS
from encoders.teacher.numbers import LABELS
from encoders.teacher.sentences import NEXT, join

_OUTSIDE = frozenset({"low", "slightly low", "borderline low", "borderline high", "borderline", "raised", "high"})
_TEST_VALUES = frozenset({"fev1_l", "fvc_l", "fev1_fvc"})
_FURTHER = (  # a test or a visit that is asked about: its name, the words it goes by, the passage that says what it is for
    ("a chest X-ray or a CT", r"x-?ray|\bct\b|scan|imaging|mri", "chest_imaging/x-ray-ct"),
    ("a lung volume test", r"lung volume|plethysmo\w*|\btlc\b|body box", "spirometry/lung-volumes"),
    ("a gas transfer test", r"gas transfer|diffusion|dlco|tlco", "gas_transfer/what-is-dlco"),
    ("a sleep study", r"sleep (?:study|test|lab)|polysomno\w*", "sleep_apnoea/symptoms"),
    ("a challenge test", r"challenge|methacholine|mannitol", "asthma/challenge-test"),
    ("a FeNO test", r"feno|nitric oxide", "exhaled_nitric_oxide/what-is-feno"),
    ("an exercise test", r"exercise test|cpet|walk(?:ing)? test|treadmill", "exercise_testing/cpet"),
    ("a test for alpha-1 antitrypsin", r"alpha-?1|antitrypsin", "alpha1_antitrypsin/test"),
    ("a breathing test", r"spirometr\w*|breathing test|lung (?:function )?test|blowing test", "spirometry/no-screening"),
    ("a lung specialist", r"specialist|pulmonologist|consultant|respiratory (?:doctor|clinic)|lung doctor|pneumologist|referral|referred", ""),
)  # fmt: skip

OF_SMOKING = "ageing_lungs/age-decline"  # its second sentence
_CAUSES = (  # what is asked to be the cause, and the passage on it
    (r"weigh|overweight|obes|fat\b|heavy|belly", "weight/weight-lungs"),
    (r"heart|cardiac", "heart_failure/heart-or-lung"),
    (r"rheumatoid|arthritis", "arthritis/rheumatoid-lungs"),
    (r"covid|corona", "covid/breathless-after"),
    (r"mou?ld|damp", "air_quality/damp-mould"),
    (r"reflux|heartburn|stomach acid", "reflux/and-lungs"),
    (r"hay ?fever|allerg|pollen", "allergy/hay-fever-asthma"),
    (r"stress|anxi|panic|nerves", "breathlessness/hyperventilation"),
    (r"asbestos", "dust_diseases/asbestos"),
    (r"job|work|dust|fumes|welding|factory", "occupational/dusts"),
    (r"medicine|tablet|drug|methotrexate|medication", "medicines/lung-harm"),
    (r"unfit|out of shape|fitness", "breathlessness/causes"),
    (r"\btb\b|tubercul", "tuberculosis/scars"),
    (r"smok|cigar|tobacco|\bfags\b|\bcigs\b", OF_SMOKING),
    (r"train(?:ed|ing)\b|running(?! nose)|runner|swimming(?! pool)|cycling|sports?\b|athlet|exercis\w+(?![- ]induced)", "spirometry/training"),
)


def healthy(asking: Asking) -> str:
    view = asking.view
    found = [
        f"{LABELS[name]} ({fact.token}, {fact.status})"
        for name, fact in view.facts.items()
        if fact.status in _OUTSIDE and name in LABELS and not (view.state != "read" and name in _TEST_VALUES)
    ]
    head = "No record can promise health."
    stands = f"What lies outside the usual range is your {join(found)}." if found else "Nothing in this record lies outside the usual range."
    first = f"{head} {stands} {result(view)}"
    return first if view.state == "none" or found or view.state != "read" else f"{head} {result(view)} {stands}"


def surgery(asking: Asking) -> str:
    view = asking.view
    smoke = f" {asking.quote('surgery/stop-smoking')}" if view.text("smoking_status") == "current" else ""
    unread = view.state in ("none", "unusable")
    mine = f"{result(view)} {'If the team wants a breathing test, it has to be done again.' if view.state == 'unusable' else 'Show the surgeon and the anaesthetist this report.'}"
    low = view.status("spo2_percent")
    oxygen = f" Tell them too that the oxygen saturation was {view.token('spo2_percent')}." if view.below("spo2_percent") and low else ""
    return f"The surgeon and the anaesthetist decide that with you. {asking.quote('surgery/lung-tests', 2)} {mine if not unread or view.state == 'unusable' else result(view)}{oxygen}{smoke}"


def fit_for_it(asking: Asking) -> str:
    view = asking.view
    head = "I cannot decide that, and a breathing test alone does not settle it: it is for an occupational health or examining doctor, who knows the demands."
    return f"{head} {result(view)}{' Show them the report.' if view.state == 'read' else ''}"


_TREATED = re.compile(r"\b(?:inhalers?|puffers?|treat(?:ment|ed)|medic\w+|tablets?|drugs?|steroids?|antibiotics?)\b")


def need_test(asking: Asking) -> str:
    view = asking.view
    if _TREATED.search(asking.question) and not re.search(r"\btests?\b", asking.question):
        listed_now = f" Your record lists these medicines: {view.token('medications')}." if view.has("medications") else ""
        return f"Whether you need an inhaler or another medicine is for a clinician to decide, who first finds out what is behind the result.{listed_now} {result(view)} {f'{NEXT[view.pattern]}.' if view.pattern else ''}"
    name, passage = next(((name, passage) for name, words, passage in _FURTHER if re.search(rf"\b(?:{words})", asking.question)), ("another test", ""))
    head = f"Whether you need {name} is for a clinician to decide"
    if name == "a breathing test":
        if view.state != "none":
            return f"You have had one. {result(view)}"
        symptoms = (
            f"Your record lists {view.token('symptoms')}, so it is worth asking a clinician for one."
            if view.has("symptoms")
            else "Ask a clinician for one if you have symptoms."
        )
        return symptoms if view.has("symptoms") else f"{symptoms} {asking.quote('spirometry/no-screening')}"
    step = f"{NEXT[view.pattern]}." if view.pattern else ""
    return f"{head}, from your symptoms as well as the test. {result(view)} {step if name in ('a lung volume test', 'a lung specialist', 'another test') else ''} {asking.quote(passage) if passage else ''}"


def cause_of_result(asking: Asking) -> str:
    view = asking.view
    names = [name for words, name in _CAUSES if re.search(rf"\b(?:{words})", asking.question)]
    if listed(view, "rheumatoid") and re.search(r"\bra\b", asking.question):
        names.insert(0, "arthritis/rheumatoid-lungs")
    name = names[0] if names else ""
    said = " ".join(asking.quote(one, int(one == OF_SMOKING)) for one in names[:2]) or asking.quote_near(asking.question)
    if view.pattern == "normal":
        head = "Your breathing test is in the normal range, so nothing in it has to be explained; symptoms can still have a cause that it does not show."
        return f"{head} {said}"
    if "cough" in asking.question and name == OF_SMOKING:
        return f"That is likely enough to be worth stopping for, but a breathing test cannot tell. {asking.quote('cough/chronic', 1)} {result(view)}"
    head = "It may play a part, but a breathing test shows how air moves and not why, so it cannot tell the cause."
    heavy = (
        f" Your body mass index is {view.token('bmi_kg_m2')}, which is {view.status('bmi_kg_m2')}."
        if "weight/weight-lungs" in names[:2] and view.has("bmi_kg_m2")
        else ""
    )
    return f"{head} {said}{heavy} {result(view)}"


def damaged(asking: Asking) -> str:
    return f"A breathing test cannot show scars or damage, only how air moves. {result(asking.view)} Pictures such as a CT show the structure of the lungs."


def reliever_before_sport(asking: Asking) -> str:
    return f"Whether to use it before exercise is for whoever prescribed it to say, so ask for it in your written plan. {asking.quote('asthma/before-exercise', 1)} {asking.quote('asthma/before-exercise')}"


def smoking_a_little(asking: Asking) -> str:
    status = asking.view.text("smoking_status")
    mine = {"never": " Your record says you have never smoked: stay with that.", "former": " Your record says you have stopped: stay with that."}.get(
        status, ""
    )
    start = "" if re.match(r"\W*(?:what|how)", asking.question) else "No. "
    return f"{start}{asking.quote('smoking/cut-down', 2)}{mine}"


def diving(asking: Asking) -> str:
    view = asking.view
    fine = "Nothing in your breathing test speaks against it, but a diving medical decides." if view.pattern == "normal" else ""
    head = fine or f"Not before a specialist's assessment. {result(view)}"
    return f"{head} {asking.quote('diving/lungs', 2)}"


def need_oxygen(asking: Asking) -> str:
    view = asking.view
    mine = (
        f"Your oxygen saturation is {view.token('spo2_percent')}, which is {view.status('spo2_percent')}."
        if view.has("spo2_percent")
        else "Your oxygen saturation is not measured in this record."
    )
    return f"That is decided from blood gases, not from a breathing test. {mine} {asking.quote('oxygen_therapy/long-term-oxygen')}"


def urgent_now(asking: Asking) -> str:
    view = asking.view
    high = [
        f"{LABELS[name]} of {view.token(name)} ({view.status(name)})"
        for name in ("systolic_bp_mmhg", "spo2_percent", "heart_rate_bpm", "glucose_mg_dl", "temperature_c")
        if view.status(name) in ("high", "low", "slightly low")
    ]
    patient = asking.session.patient
    severe = (
        (patient.spo2_percent or 100.0) <= 92
        or (patient.temperature_c or 0.0) >= 40
        or not 54 <= (patient.glucose_mg_dl or 100.0) <= 300
        or (patient.systolic_bp_mmhg or 0.0) >= 180
    )
    worth = (
        f"Your {join(high)} should be checked by a clinician {'today, as at least one of them is dangerous by itself' if severe else 'in the next days'}."
        if high
        else "No value in this record by itself asks for emergency care."
    )
    pressure = asking.quote("blood_pressure/crisis") if view.status("systolic_bp_mmhg") == "high" else ""
    return f"That depends on how you feel, which a record cannot show. {worth} {pressure} {asking.quote('when_to_seek_care/emergency-breath')}"


def warning_signs(asking: Asking) -> str:
    if re.search(r"\b(?:flare\w*|exacerbat\w*|attack|episode)\b", asking.question):
        name = "asthma/attack-signs" if "asthma/attack-signs" in asking.library and not listed(asking.view, "copd", "emphysema") else "copd/copd-flare"
        return f"{asking.quote(name)} {asking.quote(name, 1)} {asking.quote('when_to_seek_care/emergency-breath')}"
    return (
        f"{asking.quote('when_to_seek_care/emergency-breath')} {asking.quote('when_to_seek_care/see-doctor')} {asking.quote('when_to_seek_care/see-doctor', 2)}"
    )


def keep_well(asking: Asking) -> str:
    view = asking.view
    first = (
        asking.quote("smoking/why-stop")
        if view.text("smoking_status") == "current"
        else "Stay away from tobacco smoke, stay active and keep the air that you breathe clean."
    )
    return f"{first} {asking.quote('physical_activity/how-much')}"


def change_record(asking: Asking) -> str:
    return "I cannot change the record here. Put the value right in your file and open the files again, or use the corrections on the page: everything is then worked out anew."


def my_vaccines(asking: Asking) -> str:
    """Those that CDC's adult schedule names for this age and these conditions; what was given, no record says."""
    view = asking.view
    age = view.facts["age_years"].value if view.has("age_years") else None
    unknown = "The record does not say which vaccines were given, so ask a clinician or pharmacist what is due."
    if re.search(r"\b(?:already|has (?:he|she) had|have i had|had (?:already|so far)|does (?:his|her|my|the) record|on record|recorded)\b", asking.question):
        return unknown
    if age is None:
        return f"{unknown} Your age is not recorded, and it decides much of it. {asking.quote('vaccines/flu')}"
    if age < 18:
        return f"{unknown} {asking.quote('vaccines/flu')}"
    lungs = listed(view, "copd", "emphysema", "asthma", "bronchi", "fibrosis", "lung disease")
    risk = lungs or view.text("smoking_status") == "current" or listed(view, "diabetes", "heart", "coronary")
    due = [asking.quote("vaccines/flu")]
    due += [asking.quote("vaccines/pneumococcal")] if age >= 50 or risk else []
    due += [asking.quote("vaccines/shingles")] if age >= 50 else []
    due += [asking.quote("vaccines/rsv-covid")] if age >= 75 or (age >= 50 and lungs) else []
    due += [asking.quote("vaccines/whooping-cough")] if age < 50 else []
    return f"{' '.join(due)} {unknown}"


def carbon_dioxide(asking: Asking) -> str:
    return f"A breathing test cannot tell: carbon dioxide is measured in a blood sample, and this record holds none. {asking.quote('oxygen_therapy/carbon-dioxide')}"


def ask_doctor(asking: Asking) -> str:
    view = asking.view
    asks = ["What do these results mean together with my symptoms?"]
    if view.state == "read" and view.pattern != "normal":
        asks.append("What could be behind this pattern, and which test comes next?")
    elif view.state != "read":
        asks.append("When can the test be done again?")
    if view.text("smoking_status") == "current":
        asks.append("Which help is there to stop smoking?")
    if view.status("systolic_bp_mmhg") in ("high", "raised"):
        asks.append("Should my blood pressure be measured again?")
    if view.has("medications"):
        asks.append("Is my inhaler technique right, and are these still the right medicines?")
    asks.append("When should I be tested again?")
    return "Good questions to take along: " + " ".join(f"({n}) {one}" for n, one in zip("abcdef", asks, strict=False))


def not_able(asking: Asking) -> str:
    return "No, I cannot do that: I work only from the record and the blows that are open here. I cannot look at pictures, examine you, reach anybody or change anything. I can explain the test, the record and guidance on lung health."


def a_program(asking: Asking) -> str:
    return (
        "No, I am not a doctor: I am a program for research and education. The numbers are measured by code from the blows, guidance is quoted from sources that I name, "
        "and I can be wrong, so a clinician has the last word."
    )


def privacy(asking: Asking) -> str:
    return (
        "Your record is read into memory for this session only: I write nothing of it to disk or to a log and send it to nobody. "
        "Press Delete now on the page, or close the session, and it is forgotten."
    )


def risk_not_estimated(asking: Asking) -> str:
    risks = [fact for trait, _ in RISK_TRAITS if (fact := asking.view.facts.get(f"risk_{trait}"))]
    mine = (
        f"I estimate only the risks of {join([label for trait, label in RISK_TRAITS if f'risk_{trait}' in asking.view.facts])}."
        if risks
        else "No risks are estimated for this record."
    )
    near = asking.quote_near(asking.question)
    return f"I give no estimate of that. {mine} {near}"


def inherited(asking: Asking) -> str:
    question = asking.question
    name = "copd/family" if re.search(r"copd|emphysema|alpha", question) else "asthma/family" if re.search(r"asthma|wheez|allerg|hay ?fever", question) else ""
    said = asking.quote(name) if name else f"{asking.quote('asthma/family')} {asking.quote('copd/family')}"
    more = asking.quote(name, 1) if name else ""
    return f"{said} {more} A breathing test cannot tell what is inherited."


def catching(asking: Asking) -> str:
    return f"{asking.quote('infections/not-catching')} {asking.quote('infections/not-catching', 1)}"


OF_PERSON: dict[str, Callable[[Asking], str]] = {
    "healthy": healthy, "surgery": surgery, "fit_for_it": fit_for_it, "need_test": need_test, "cause_of_result": cause_of_result, "damaged": damaged,
    "reliever_before_sport": reliever_before_sport, "smoking_a_little": smoking_a_little, "diving": diving, "need_oxygen": need_oxygen,
    "urgent_now": urgent_now, "ask_doctor": ask_doctor, "not_able": not_able, "a_program": a_program, "privacy": privacy,
    "risk_not_estimated": risk_not_estimated, "inherited": inherited, "warning_signs": warning_signs, "keep_well": keep_well, "change_record": change_record, "my_vaccines": my_vaccines, "carbon_dioxide": carbon_dioxide, "catching": catching,
}  # fmt: skip
