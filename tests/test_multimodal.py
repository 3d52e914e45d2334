"""Encoders, soft tokens and the language model as one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.batch import CURVE, IGNORED, RECORD, Encoded
from encoders.multimodal import MANIFEST, WEIGHTS, ModelError, MultimodalLM, load_language_model
from encoders.projector import Projector, embedding_rms
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


def test_scores_over_a_shared_prefix_are_those_of_separate_prompts(model: MultimodalLM) -> None:
    people = [tiny.person(3), tiny.person(4, curve=False), tiny.person(5)]
    questions = ("What does my z-score mean?", "yes or no", "is the FEV1 low? yes or no")
    system = tiny.chat()[0]["content"]
    together = model.score(people, questions, system)
    yes, no = (model.tokenizer(word)["input_ids"][0] for word in ("yes", "no"))
    for i, one in enumerate(people):
        for j, question in enumerate(questions):
            messages = tiny.chat(question, curve=one.curve is not None)
            with torch.inference_mode():
                logits = model.next_token_logits(model.batch([model.encode(messages, add_generation_prompt=True)], [one]))[0]
            assert together[i, j] == pytest.approx(float(logits[yes] - logits[no]), abs=1e-3)


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


@pytest.mark.parametrize("fault", ["manifest", "missing", "truncated", "language model", "width", "shape"])
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
        adapted.merge_lora()
        torch.testing.assert_close(adapted.next_token_logits(batch), expected, atol=1e-3, rtol=1e-3)


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
