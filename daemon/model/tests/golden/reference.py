"""Writes the reference files of tests/golden: what transformers computes on tiny random Qwen2 models.

    pip install torch transformers safetensors numpy
    python daemon/model/tests/golden/reference.py

For each model a safetensors file with its weights (HF names), ragged sequences, their logits at a few rows, the
weighted cross-entropy and every parameter's gradient, and greedy continuations; config.json beside it.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).parent
LENGTHS = [70, 1, 33, 17, 2]
PROMPTS = [9, 1, 23, 14]
NEW_TOKENS = 24


def build(tied: bool, seed: int) -> Qwen2ForCausalLM:
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=67 if tied else 96, hidden_size=32 if tied else 48, intermediate_size=56 if tied else 80,
        num_hidden_layers=2, num_attention_heads=4 if tied else 6, num_key_value_heads=2 if tied else 1,
        max_position_embeddings=128, rope_theta=10000.0 if tied else 1000000.0, rms_norm_eps=1e-6,
        tie_word_embeddings=tied, use_sliding_window=False, initializer_range=0.15,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )
    model = Qwen2ForCausalLM(config).float()
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def reference(name: str, tied: bool, seed: int) -> None:
    model = build(tied, seed)
    vocabulary = model.config.vocab_size
    tensors = {f"weight.{n}": p.detach().clone().contiguous() for n, p in model.named_parameters()}
    loss = torch.zeros(())
    for index, length in enumerate(LENGTHS):
        tokens = torch.randint(0, vocabulary, (1, length))
        weights = torch.rand(length)
        weights[torch.rand(length) < 0.2] = 0.0
        weights[0] = 0.0
        logits = model(tokens).logits[0]
        logprobs = torch.log_softmax(logits, -1)
        entropies = -(logprobs.exp() * logprobs).sum(-1)
        chosen = logprobs[:-1].gather(1, tokens[0, 1:, None])[:, 0]
        loss = loss - (weights[1:] * chosen).sum() / 10.0
        tensors[f"sequence.{index}.tokens"] = tokens[0].int()
        tensors[f"sequence.{index}.weights"] = weights
        if length > 1:
            tensors[f"sequence.{index}.logprobs"] = chosen.detach().clone()
            tensors[f"sequence.{index}.entropies"] = entropies[:-1].detach().clone()
    loss.backward()
    tensors["loss"] = loss.detach().reshape(1)
    for n, parameter in model.named_parameters():
        tensors[f"gradient.{n}"] = parameter.grad.clone().contiguous()
    model.eval()
    with torch.no_grad():
        for index, length in enumerate(PROMPTS):
            prompt = torch.randint(0, vocabulary, (1, length))
            out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=NEW_TOKENS,
                                 do_sample=False, pad_token_id=0, eos_token_id=None)
            tensors[f"greedy.{index}.prompt"] = prompt[0].int()
            tensors[f"greedy.{index}.tokens"] = out[0, length:].int().contiguous()
    save_file(tensors, HERE / f"{name}.safetensors")
    config = {k: v for k, v in model.config.to_dict().items() if v is not None}
    (HERE / f"{name}.config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    reference("tied", True, 1)
    reference("untied", False, 2)
