"""The library with the real embedding model and the real index: what is found, what is not, and what heals itself."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant import minilm, passage_index, retrieval
from assistant.answering import Fitting, for_this_illness
from assistant.looked_up import sentences_for
from assistant.minilm import MiniLM
from assistant.passage_index import as_embedded, index_folder
from assistant.reader import QuestionReader, Read
from assistant.retrieval import GuidelineLibrary
from encoders.passages import Passage, PassageError, read_passages
from encoders.record import Patient
from prompts import load_questions

TOPICS = [
    ("What is FEV1?", "spirometry"),
    ("what does FVC mean", "spirometry"),
    ("what is the lower limit of normal", "spirometry"),
    ("what is a z-score", "spirometry"),
    ("How do I do a good blow?", "spirometry"),
    ("how do I stop smoking", "smoking"),
    ("are e-cigarettes safe for my lungs", "smoking"),
    ("what is a pack-year", "smoking"),
    ("what is COPD", "copd"),
    ("what to do in a COPD flare-up", "copd"),
    ("what is asthma", "asthma"),
    ("what triggers asthma", "asthma"),
    ("how much exercise should I get each week", "physical_activity"),
    ("what is pulmonary rehabilitation", "physical_activity"),
    ("what is a normal blood pressure", "blood_pressure"),
    ("how do I measure blood pressure at home", "blood_pressure"),
    ("what is HbA1c", "diabetes"),
    ("can I prevent type 2 diabetes", "diabetes"),
    ("how do I lose weight", "weight"),
    ("what does body mass index mean", "weight"),
    ("how many hours should I sleep", "sleep"),
    ("what is sleep apnoea", "sleep"),
    ("should I get a flu jab", "vaccines"),
    ("pneumococcal vaccine", "vaccines"),
    ("is air pollution bad for my lungs", "air_quality"),
    ("when should I see a doctor about breathlessness", "when_to_seek_care"),
    ("can I fly with lung disease", "travel_and_altitude"),
    ("how do I use my inhaler with a spacer", "inhaler_technique"),
    ("how much alcohol is safe", "alcohol"),
    ("what is LDL cholesterol", "cholesterol"),
    ("what should I eat", "diet"),
    ("dust at work", "occupational"),
    ("do lungs get worse with age", "ageing_lungs"),
]
OUTSIDE = [
    "Who won the world cup in 1998?",
    "How do I bake sourdough bread?",
    "What is the capital of Mongolia?",
    "Write a sorting function in Rust",
    "How do I change the oil in my car?",
    "Which stocks should I buy?",
    "Who painted the Mona Lisa?",
    "What is the plot of Hamlet?",
    "How does a transistor work?",
    "Recommend a hotel in Lisbon",
    "When was the French Revolution?",
    "How do I train my dog to sit?",
    "Explain quantum entanglement",
    "How do I file my taxes?",
    "how do I unblock a kitchen sink",
    "Tell me a joke about penguins",
]
TYPED = [
    ("wat is fev1", "what_is_fev1"),
    ("explian my results plese", "explain_result"),
    ("how do i quit smokng", "stop_smoking"),
    ("did i blow corectly", "quality"),
    ("shoud i excercise more", "exercise"),
    ("what is a z scor", "what_is_zscore"),
    ("how is my blod presure", "blood_pressure"),
    ("hello there", "greeting"),
    ("thank you so mutch", "thanks"),
    ("do i have astma", "do_i_have_asthma"),
    ("what shoud i do next", "next_steps"),
    ("show me the flow volum curve", "show_flow_volume"),
    ("in simpl words please", "plain_words"),
    ("can i fly in a plain", "travel_altitude"),
    ("when shoud i see a docter", "when_to_seek_care"),
    ("how do i use my inhalor", "inhaler_technique"),
]


@pytest.fixture(scope="module")
def embeddings() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, embeddings: MiniLM) -> GuidelineLibrary:
    return GuidelineLibrary(read_passages(), tmp_path_factory.mktemp("library"), embeddings)


@pytest.fixture
def few() -> tuple[Passage, ...]:
    """Three passages, so that an index is built in no time."""
    return read_passages()[:3]


class Counting(MiniLM):
    """The real model, with a record of how many texts it was asked for."""

    asked = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.asked += len(texts)
        return super().embed_documents(texts)


def sqlite_of(library: GuidelineLibrary) -> Path:
    assert library.index.folder is not None
    return next(library.index.folder.rglob("chroma.sqlite3"))


# what is found -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("question", "topic"), TOPICS)
def test_a_passage_of_the_right_topic_is_among_the_first_three(library: GuidelineLibrary, question: str, topic: str) -> None:
    found = library.search(question, k=3)
    assert found.enough
    assert len(found.results) <= 3
    assert topic in {hit.passage.topic for hit in found.results}, [(hit.passage.id, hit.score) for hit in found.results]


@pytest.mark.parametrize("question", OUTSIDE)
def test_a_question_outside_the_library_gets_no_passage(library: GuidelineLibrary, question: str) -> None:
    found = library.search(question)
    assert not found.enough and found.results == (), [(hit.passage.id, hit.score) for hit in found.results]


@pytest.mark.parametrize("question", ["", "   ", "\n\t"])
def test_nothing_asked_finds_nothing(library: GuidelineLibrary, question: str) -> None:
    assert not library.search(question).enough
    assert library.intent(question) == ("unknown", 0.0)


def test_scores_are_cosines_and_k_is_a_limit(library: GuidelineLibrary) -> None:
    for k in (1, 2, 5):
        hits = library.search("What is asthma?", k=k).results
        assert 1 <= len(hits) <= k
        assert all(0.0 < hit.score <= 1.0 for hit in hits)
        assert len({hit.passage.id for hit in hits}) == len(hits)


def test_strange_text_is_searched_without_harm(library: GuidelineLibrary) -> None:
    for question in ("' OR 1=1; --", "\u202e\u0000", "a" * 5000, "\U0001f4a8" * 20):
        library.search(question)
        library.intent(question)


@pytest.mark.parametrize(("question", "intent"), TYPED)
def test_a_question_typed_in_haste_is_understood(library: GuidelineLibrary, question: str, intent: str) -> None:
    found, sure = library.intent(question)
    assert found == intent, (found, sure)
    assert 0.4 < sure <= 1.0 + 1e-5


def test_the_library_is_in_order(library: GuidelineLibrary) -> None:
    assert library.verify() == ()
    assert {passage.id for passage in library.list()} == {passage.id for passage in read_passages()}


# building ------------------------------------------------------------------------------------------------------------
def test_an_index_is_built_once(tmp_path: Path, few: tuple[Passage, ...]) -> None:
    model = Counting()
    first = GuidelineLibrary(few, tmp_path, model)
    built, folders, asked = first.index.count(), sorted(tmp_path.iterdir()), model.asked
    assert built == 3 and asked == 3
    second = GuidelineLibrary(few, tmp_path, model)
    assert second.index.count() == built
    assert sorted(tmp_path.iterdir()) == folders
    assert model.asked == asked, "the second library worked out vectors again"


def test_a_changed_passage_builds_an_index_of_its_own(tmp_path: Path, few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    GuidelineLibrary(few, tmp_path, embeddings)
    changed = (replace(few[0], text="Penguins cannot fly, but they swim well and live in the far south."), *few[1:])
    library = GuidelineLibrary(changed, tmp_path, embeddings)
    assert len(list(tmp_path.glob("library-*"))) == 2
    assert library.search("Do penguins swim?").results[0].passage == changed[0]
    assert not GuidelineLibrary(few, tmp_path, embeddings).search("Do penguins swim?").enough


@pytest.mark.parametrize("harm", ["truncated", "text", "gone", "not complete"])
def test_a_damaged_index_is_built_again(tmp_path: Path, few: tuple[Passage, ...], embeddings: MiniLM, harm: str) -> None:
    file = sqlite_of(GuidelineLibrary(few, tmp_path, embeddings))
    if harm == "truncated":
        os.truncate(file, 1000)
    elif harm == "text":
        file.write_text("this is no database")
    elif harm == "gone":
        file.unlink()
    else:
        (file.parent / "complete").unlink()
    healed = GuidelineLibrary(few, tmp_path, embeddings)
    assert healed.verify() == ()
    assert healed.search(few[1].title).results[0].passage == few[1]
    assert (file.parent / "complete").is_file() and file.stat().st_size > 1000, "it was kept in memory only"


def test_an_index_damaged_between_two_runs_is_built_again(tmp_path: Path, few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    file = sqlite_of(GuidelineLibrary(few, tmp_path, embeddings))
    from chromadb.api.client import SharedSystemClient

    SharedSystemClient.clear_system_cache()  # as a new process would find it
    os.truncate(file, 1000)
    assert GuidelineLibrary(few, tmp_path, embeddings).verify() == ()
    assert file.stat().st_size > 1000, "it was kept in memory only"


def test_where_building_on_disk_fails_the_index_lives_in_memory(tmp_path: Path, few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    key = GuidelineLibrary(few, None, embeddings).index.key()
    (tmp_path / f"library-{key}").write_text("a file where the folder should be")
    library = GuidelineLibrary(few, tmp_path, embeddings)
    assert library.verify() == ()
    assert library.search(few[0].title).enough


def test_without_a_folder_the_index_lives_in_memory(few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    library = GuidelineLibrary(few, None, embeddings)
    assert library.verify() == ()
    assert library.search(few[0].title).results[0].passage == few[0]


def test_two_libraries_in_memory_do_not_share_passages(few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    first, second = GuidelineLibrary(few[:2], None, embeddings), GuidelineLibrary(few[2:], None, embeddings)
    assert first.verify() == () and second.verify() == ()
    for library in (first, second):
        for passage in few:
            assert {hit.passage.id for hit in library.search(passage.title).results} <= set(library.passages)


def test_a_library_without_passages_finds_nothing(few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    assert not GuidelineLibrary((), None, embeddings).search("What is FEV1?").enough


def test_two_passages_of_one_id_are_refused(few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    with pytest.raises(PassageError, match=f"two passages share the id {few[0].id}"):
        GuidelineLibrary((*few, few[0]), None, embeddings)


def test_verify_says_what_is_wrong(few: tuple[Passage, ...], embeddings: MiniLM) -> None:
    insecure = replace(few[0], id="one", url="http://example.org")
    copy = replace(few[1], id="two", text=few[2].text)
    library = GuidelineLibrary((insecure, copy, few[2]), None, embeddings)
    wrong = " | ".join(library.verify())
    assert "one has no https address" in wrong
    assert "two repeats the text" in wrong
    library.index.chroma.delete([few[2].id])
    library.passages.pop("two")
    wrong = " | ".join(library.verify())
    assert f"{few[2].id} is not in the index" in wrong
    assert "two is in the index but not among the files" in wrong


# where the index is kept ---------------------------------------------------------------------------------------------
def test_the_index_folder_is_made_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert index_folder(None) == tmp_path / "cache" / "breathwise"
    assert (tmp_path / "cache" / "breathwise").is_dir()


def test_where_nothing_can_be_written_the_index_lives_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert index_folder(file / "below") is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert index_folder(None) is None
    read_only = tmp_path / "read_only"
    read_only.mkdir()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(passage_index.tempfile, "TemporaryFile", refuse)  # root may write anywhere, so the refusal is made here
    assert index_folder(read_only) is None


# vectors that travel along -------------------------------------------------------------------------------------------
def test_every_passage_has_its_vector_shipped() -> None:
    shipped = minilm._shipped()
    texts = retrieval.our_texts()
    assert set(texts) >= {as_embedded(passage) for passage in read_passages()}
    lacking = [text for text in texts if minilm._digest(text) not in shipped]
    assert not lacking, f"assets/vectors.npz is out of date ({len(lacking)} texts, such as {lacking[0]!r}): run `breathwise library vectors`"


def test_shipped_vectors_are_those_of_the_model(embeddings: MiniLM) -> None:
    wordings = [text for texts in load_questions().values() for text in texts]
    texts = [*(as_embedded(passage) for passage in read_passages()[::8]), *wordings[::210]]
    assert len(texts) >= 20
    shipped, fresh = np.array(embeddings.embed_documents(texts)), np.array(embeddings._work_out(texts))
    cosine = (shipped * fresh).sum(1) / np.linalg.norm(shipped, axis=1) / np.linalg.norm(fresh, axis=1)
    assert cosine.min() > 0.999, "assets/vectors.npz is not of this model: run `breathwise library vectors`"


def test_padding_changes_no_vector(embeddings: MiniLM) -> None:
    alone = np.array(embeddings._work_out(["a quite short text"])[0])
    beside = np.array(embeddings._work_out(["a quite short text", "a long text " * 80])[0])
    assert np.allclose(alone, beside, atol=1e-5)
    assert np.linalg.norm(alone) == pytest.approx(1.0, abs=1e-5)


def test_without_shipped_vectors_the_model_works_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embeddings: MiniLM) -> None:
    monkeypatch.setattr(minilm, "VECTORS", tmp_path / "none.npz")
    assert MiniLM()._known == {}
    assert np.allclose(MiniLM().embed_query("What is FEV1?"), embeddings.embed_query("What is FEV1?"), atol=1e-3)


@pytest.mark.parametrize(
    ("before", "topic"), [("My cholesterol is 245, is that too high?", "cholesterol"), ("Is 162 over 88 high?", "blood_pressure"), ("My HbA1c is 6.2, is that bad?", "diabetes")]
)  # fmt: skip
def test_what_it_stands_for_is_what_was_spoken_of(library: GuidelineLibrary, before: str, topic: str) -> None:
    question, follows = "and what can I do to bring it down without tablets?", library.asked(before)
    passages = follows.near(question, 40)
    first = follows.answering(question, passages)[0]
    assert passages[first.number - 1].topic == topic


def test_who_goes_on_asking_stays_with_what_was_spoken_of(library: GuidelineLibrary) -> None:
    question, before = "would losing weight help with that?", "could it be sleep apnoea?"
    strange, spoken = library.asked(before), library.asked(before, ("sleep_apnoea/cpap",))

    def chance(of: GuidelineLibrary) -> float:
        passages = spoken.around(question)
        found = of.answering(question, passages)
        return sum(one.score for one in found if passages[one.number - 1].topic == "sleep_apnoea")

    assert chance(spoken) > chance(strange)
    passages = spoken.around(question)
    assert sum(one.score for one in spoken.answering(question, passages)) == pytest.approx(sum(one.score for one in strange.answering(question, passages))), (
        "no likelier that any answers"
    )
    assert library.asked(before, ("no/such-passage",)).answering(question, passages) == strange.answering(question, passages)


def test_a_question_is_read_once_and_what_was_read_is_gone_with_it(library: GuidelineLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, str]] = []
    real = QuestionReader.read

    def counted(self: QuestionReader, question: str, before: str = "") -> Read:
        read.append((question, before))
        return real(self, question, before)

    monkeypatch.setattr(QuestionReader, "read", counted)
    once = library.asked("is my blood pressure high")
    question = "what could I do so that zyx goes down again"
    for _ in range(3):
        once.intents(question)
        once.answering(question, once.around(question))
    assert read and len(read) == len(set(read))
    assert not any("zyx" in str(held) for held in (library._found, *library._vectors))


@pytest.mark.parametrize(
    ("sentence", "spoken_of"),
    [
        ("With kidney disease the limits differ.", "my kidneys are bad"), ("In kidney disease ask first.", "renal failure"), ("In osteoarthritis moving helps.", "i have arthritis in my knees"), ("Rheumatoid arthritis can reach the lungs.", "my arthritis"),
        ("In type 1 diabetes insulin is needed.", "he is a type 1, what now"), ("After tuberculosis scars may stay.", "had TB as a child"), ("Atrial fibrillation raises the risk of stroke.", "my afib"),
        ("In cystic fibrosis the mucus is thick.", "CF"), ("In heart failure salt counts.", "a failing heart"), ("Pulmonary hypertension strains the heart.", "what is the lung pressure"),
    ],
)  # fmt: skip
def test_an_illness_is_known_by_the_words_people_have_for_it(sentence: str, spoken_of: str) -> None:
    other = Fitting(1, "Moving is good for everybody.", 0.3)
    assert for_this_illness((Fitting(2, sentence, 0.6), other), spoken_of)[0].number == 2


@pytest.mark.parametrize(
    ("sentence", "spoken_of"),
    [
        ("Pulmonary hypertension strains the heart.", "chronic obstructive pulmonary disease"), ("In type 1 diabetes insulin is needed.", "type 2 diabetes"), ("In osteoarthritis moving helps.", "rheumatoid arthritis"),
        ("Rheumatoid arthritis can reach the lungs.", "osteoarthritis"),
    ],
)  # fmt: skip
def test_an_illness_of_a_like_name_is_another(sentence: str, spoken_of: str) -> None:
    assert for_this_illness((Fitting(2, sentence, 0.6), Fitting(1, "Moving is good for everybody.", 0.3)), spoken_of)[0].number == 1


def test_what_is_said_of_oxygen_to_everybody_is_not_to_who_keeps_carbon_dioxide_back(library: GuidelineLibrary) -> None:
    passage, question = library.passages["pulse_oximetry/when-to-call"], "an oxygen saturation of 93 %, when to call?"

    def quoted(condition: str) -> str:
        patient = Patient(age_years=60.0, conditions=(condition,))
        return " ".join(one.sentence for one in sentences_for(library, patient, question, question, "unknown", 0.0, (passage,), (), "", "", least=0.0)[1])

    assert "saturation of 93 or 94 %" in quoted("COPD with non-hypercapnic respiratory failure")
    assert "saturation of 93 or 94 %" not in quoted("COPD with hypercapnic respiratory failure")
