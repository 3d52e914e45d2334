"""Encoders, soft tokens and the language model as one."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.batch import CURVE, CURVE_MARK, IGNORED, RECORD, TOLD_MARK, Encoded, Person
from encoders.conversation import risk_messages
from encoders.model_folder import MANIFEST, WEIGHTS, ModelError, load_language_model, seal
from encoders.multimodal import MultimodalLM
from encoders.projector import Projector, embedding_rms
from encoders.tabular import told
from tests import tiny


@pytest.fixture(scope="module")
def model() -> MultimodalLM:
    return tiny.model()


def test_placeholders_stand_where_the_marks_were_and_only_answers_are_learned(model: MultimodalLM) -> None:
    row = model.encode([*tiny.chat(), {"role": "assistant", "content": "Your FEV1 is low."}])
    assert row.kinds.count(CURVE) == model.config.curve.tokens
    assert row.kinds.count(RECORD) == model.config.table.tokens
    learned = [token for token, learn in zip(row.ids, row.learned, strict=True) if learn]
    assert model.tokenizer.decode(learned).strip() == "Your FEV1 is low.<|im_end|>"


def test_the_prompt_of_a_question_is_the_beginning_of_the_answered_conversation(model: MultimodalLM) -> None:
    asked = model.encode(tiny.chat(), add_generation_prompt=True)
    answered = model.encode([*tiny.chat(), {"role": "assistant", "content": "yes"}])
    assert answered.ids[: len(asked.ids)] == asked.ids


def test_soft_tokens_have_the_size_of_the_models_own_embeddings(model: MultimodalLM) -> None:
    target = embedding_rms(model.lm.get_input_embeddings().weight)
    soft = model.soften(tiny.person())[CURVE]
    assert soft.pow(2).mean(-1).sqrt().numpy() == pytest.approx(target, rel=1e-3)
    large = Projector(8, 16, rms=40.0)(torch.randn(2, 3, 8))
    assert large.pow(2).mean(-1).sqrt().detach().numpy() == pytest.approx(40.0, rel=1e-3)


def test_padding_changes_no_logit_and_a_batch_of_two_equals_two_of_one(model: MultimodalLM) -> None:
    short, long = model.encode(tiny.chat("yes")), model.encode(tiny.chat("What does my z-score mean? yes no yes", curve=False))
    people = [tiny.person(1), tiny.person(2, curve=False)]
    with torch.inference_mode():
        together = model.next_token_logits(model.batch([short, long], people))
        apart = [model.next_token_logits(model.batch([row], [one]))[0] for row, one in zip((short, long), people, strict=True)]
    for one, alone in zip(together, apart, strict=True):
        torch.testing.assert_close(one, alone, atol=1e-4, rtol=1e-4)


def test_another_curve_gives_other_soft_tokens_and_another_next_token(model: MultimodalLM) -> None:
    row = model.encode(tiny.chat(), add_generation_prompt=True)
    one, other = tiny.person(1), tiny.person(2)
    swapped = type(one)(one.table, other.curve)
    assert not torch.allclose(model.soften(one)[CURVE], model.soften(swapped)[CURVE], atol=1e-3)
    with torch.inference_mode():
        logits = [model.next_token_logits(model.batch([row], [who])) for who in (one, swapped)]
    assert not torch.allclose(*logits, atol=1e-4)


def test_a_wrong_number_of_slots_is_named(model: MultimodalLM) -> None:
    row = model.encode(tiny.chat())
    cut = row.kinds.index(CURVE)
    broken = Encoded(*(part[:cut] + part[cut + 4 :] for part in (row.ids, row.kinds, row.learned)))
    with pytest.raises(ValueError, match="batch row 0 has 12 soft-token slots but the projector gave 16"):
        model.embed(model.batch([broken], [tiny.person()]))


def test_the_loss_is_that_of_a_plain_forward_over_the_learned_positions(model: MultimodalLM) -> None:
    row = model.encode([*tiny.chat(), {"role": "assistant", "content": "Your FEV1 is low."}])
    batch = model.batch([row], [tiny.person()])
    with torch.inference_mode():
        logits = model.lm(inputs_embeds=model.embed(batch)).logits[:, :-1]
        plain = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels[:, 1:].flatten(), ignore_index=IGNORED)
        assert float(model(batch)) == pytest.approx(float(plain), rel=1e-5)


def alone(model: MultimodalLM, person: Person, question: str, *, reader: int, written: bool = True) -> float:
    """Log-odds of one reader by a plain forward over one person and one question: no padding, no mask, nothing shared."""
    system, (asked,) = risk_messages((question,))
    text = system.replace(TOLD_MARK, told(person.table) if written else "").replace("" if person.curve is not None else CURVE_MARK, "")
    row = model.encode([{"role": "system", "content": text}, {"role": "user", "content": asked}], add_generation_prompt=True)
    ids, kinds = torch.tensor([row.ids]), torch.tensor(row.kinds)
    with torch.inference_mode():
        given = model.lm.get_input_embeddings()(ids)
        given[0, kinds == RECORD] = model.read_risk[reader].read_tables(torch.from_numpy(person.table[None]))[0]
        if person.curve is not None:
            given[0, kinds == CURVE] = model.read_risk[reader].read_curves(model.encode_curve(torch.from_numpy(person.curve[None])))[0]
        logits = model.lm(inputs_embeds=given).logits[0, -1]
    yes, no = (model.tokenizer(word)["input_ids"][0] for word in ("yes", "no"))
    return float(logits[yes] - logits[no])


@pytest.mark.parametrize("written", [True, False])
def test_scores_over_a_shared_prefix_are_those_of_separate_prompts(model: MultimodalLM, written: bool) -> None:
    people = [tiny.person(3), tiny.person(4, curve=False), tiny.person(5)]
    people[0].table[:, 3:9] = 0.0  # its text is shorter than the others'
    words = ("asthma", "a condition of a long name", "FEV1")
    system, questions = risk_messages(words)
    together = model.score(people, questions, system, told=written)
    for i, one in enumerate(people):
        for j, word in enumerate(words):
            each = [alone(model, one, word, reader=reader, written=written) for reader in range(model.config.risk.readers)]
            assert together[i, j] == pytest.approx(np.mean(each), abs=1e-3)


def test_a_prompt_may_leave_out_the_text_or_the_soft_tokens(model: MultimodalLM) -> None:
    people = [tiny.person(3), tiny.person(4)]
    system, questions = risk_messages()
    both, bare, text = (model.score(people, questions, system, **given) for given in ({"told": True}, {"told": False}, {"told": True, "tokens": False}))
    assert np.abs(both - bare).min() > 1e-4 and np.abs(both - text).min() > 1e-4
    blind = [Person(one.table, None) for one in people]
    np.testing.assert_allclose(model.score(blind, questions, system, told=True, tokens=False), text, atol=1e-4)


def test_fresh_weights_for_risks_leave_everything_else_as_it_was(model: MultimodalLM) -> None:
    one, (system, questions) = tiny.person(3), risk_messages()
    other = copy.deepcopy(model)
    other.forget_risks(5)
    assert not np.allclose(other.score([one], questions, system), model.score([one], questions, system))
    same = {name for name, weight in model.state_dict().items() if torch.equal(weight, other.state_dict()[name])}
    assert {name for name in model.state_dict() if not name.startswith("read_risk.")} <= same


def test_generate_gives_only_new_tokens_and_as_many_as_asked(model: MultimodalLM) -> None:
    batch = model.batch([model.encode(tiny.chat(), add_generation_prompt=True)], [tiny.person()])
    assert model.generate(batch, max_new_tokens=5, do_sample=False).shape[1] <= 5


def test_what_was_saved_is_what_is_loaded(model: MultimodalLM, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = MultimodalLM.load(tmp_path)
    batch = model.batch([model.encode(tiny.chat(), add_generation_prompt=True)], [tiny.person()])
    with torch.inference_mode():
        torch.testing.assert_close(loaded.next_token_logits(batch), model.next_token_logits(batch))
    lm, _ = load_language_model(str(tmp_path))  # a plain transformers folder
    assert lm.config.hidden_size == 64


@pytest.mark.parametrize("fault", ["manifest", "missing", "truncated", "language model", "other language model", "added file", "width", "shape"])
def test_a_broken_model_is_refused_with_a_cure_and_never_made_up(model: MultimodalLM, tmp_path: Path, fault: str) -> None:
    model.save(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    if fault == "manifest":
        (tmp_path / MANIFEST).unlink()
    elif fault == "missing":
        (tmp_path / WEIGHTS).unlink()
    elif fault == "truncated":
        (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:-100])
    elif fault == "language model":
        (tmp_path / "model.safetensors").unlink()
    elif fault == "other language model":  # as large, with other weights
        other = tiny.model().lm
        with torch.no_grad():
            other.get_input_embeddings().weight.mul_(1.01)
        other.save_pretrained(tmp_path)
    elif fault == "added file":
        (tmp_path / "risk.json").write_text("{}")
        seal(tmp_path)
        (tmp_path / "risk.json").write_text('{"slope": 2}')
    elif fault == "width":
        (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "width": 128}))
    else:
        manifest["config"]["curve"]["widths"] = [8, 8, 16, 64]
        (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelError) as caught:
        MultimodalLM.load(tmp_path)
    assert len(str(caught.value)) > 40
    assert "\n" not in str(caught.value)


def test_a_base_model_without_its_adapter_is_refused_by_name(model: MultimodalLM, tmp_path: Path) -> None:
    model.save(tmp_path)
    with pytest.raises(ModelError, match="trained for the embedded model, not for other/model"):
        MultimodalLM.load(tmp_path, base_model="other/model")


def test_lora_is_attached_saved_loaded_and_merged(tmp_path: Path) -> None:
    base = tmp_path / "base"
    plain = tiny.model()
    plain.lm.save_pretrained(base)
    plain.tokenizer.save_pretrained(base)
    adapted = tiny.model(lm=plain.lm)
    adapted.attach_lora(rank=4)
    with torch.no_grad():
        for name, weight in adapted.lm.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2)
    adapted.save(tmp_path / "adapted", base_model=str(base))
    batch = adapted.batch([adapted.encode(tiny.chat(), add_generation_prompt=True)], [tiny.person()])
    with torch.inference_mode():
        expected = adapted.eval().next_token_logits(batch)
        loaded = MultimodalLM.load(tmp_path / "adapted", base_model=str(base))
        torch.testing.assert_close(loaded.next_token_logits(batch), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("family", ["llama", "gemma"])
def test_any_causal_language_model_can_read_soft_tokens(family: str) -> None:
    from transformers import GemmaConfig, GemmaForCausalLM, LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    vocabulary = len(tiny.tokenizer())
    lm = (
        LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, **sizes))
        if family == "llama"
        else GemmaForCausalLM(GemmaConfig(vocab_size=vocabulary, head_dim=16, **sizes))
    )
    other = tiny.model(lm=lm)
    row = other.encode(tiny.chat(), add_generation_prompt=True)
    with torch.inference_mode():
        logits = [other.next_token_logits(other.batch([row], [tiny.person(seed)])) for seed in (1, 2)]
    assert np.isfinite(logits[0].numpy()).all()
    assert not torch.allclose(*logits, atol=1e-5)
