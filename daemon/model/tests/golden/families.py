"""Writes the reference files of the families: what transformers computes on tiny random models of each.

    pip install torch transformers safetensors numpy
    python daemon/model/tests/golden/families.py

For each case a safetensors file and its config.json. The weights (HF names) are stored as bf16 and used in 32 bits.
Of ragged sequences: log-probabilities, entropies, the weighted cross-entropy and every parameter's gradient; greedy continuations of ragged prompts. Of one sequence of more than 4,096 tokens: the
log-probabilities of its last tokens and the gradients of the attention of their cross-entropy, and greedy text
after it.

transformers makes rotary frequencies in 32 bits, so some are off in the last bit or two. At position 4,200 that
alone moves an angle by 1e-3, more than everything else that is compared. For the long sequence they are therefore
put in as 64 bits give them; what transformers itself computes there is stored too (`long.logprobs.unchanged`).
"""

import json
import math
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

HERE = pathlib.Path(__file__).parent
LENGTHS = [66, 1, 31, 17, 2]
PROMPTS = [9, 1, 23, 14]
NEW_TOKENS = 24
LONG = 4200
SCORED = 64
LONG_NEW_TOKENS = 12

COMMON = {
    "vocab_size": 61, "intermediate_size": 40, "num_hidden_layers": 2, "max_position_embeddings": 8192,
    "initializer_range": 0.2, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
CASES = {
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(
        **COMMON, hidden_size=24, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, use_sliding_window=False)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, hidden_size=24, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    "qwen3-untied": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, hidden_size=20, num_attention_heads=3, num_key_value_heads=3, head_dim=16, rms_norm_eps=1e-5,
        tie_word_embeddings=False, rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5})),
    "llama3": (LlamaForCausalLM, LlamaConfig(
        **COMMON, hidden_size=32, num_attention_heads=2, num_key_value_heads=1, rms_norm_eps=1e-5,
        tie_word_embeddings=False, rope_parameters=LLAMA3)),
    "llama-linear": (LlamaForCausalLM, LlamaConfig(
        **COMMON, hidden_size=24, num_attention_heads=2, num_key_value_heads=2, head_dim=14, rms_norm_eps=1e-5,
        tie_word_embeddings=True, rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0})),
}


def build(kind, config, seed):
    torch.manual_seed(seed)
    model = kind(config).float()
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            parameter.data += 0.2 * torch.randn_like(parameter)
        parameter.data = parameter.data.bfloat16().float()
    return model.eval()


def exact_frequencies(config):
    """In 64 bits, after the formulas of transformers.modeling_rope_utils."""
    rope = config.rope_parameters
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    frequencies = []
    for index in range(head_dim // 2):
        frequency = 1.0 / rope["rope_theta"] ** (2 * index / head_dim)
        if rope["rope_type"] == "linear":
            frequency /= rope["factor"]
        elif rope["rope_type"] == "llama3":
            context, wavelength = rope["original_max_position_embeddings"], 2 * math.pi / frequency
            low, high = rope["low_freq_factor"], rope["high_freq_factor"]
            if wavelength > context / low:
                frequency /= rope["factor"]
            elif wavelength >= context / high:
                smooth = (context / wavelength - low) / (high - low)
                frequency = (1 - smooth) * frequency / rope["factor"] + smooth * frequency
        frequencies.append(frequency)
    return torch.tensor(frequencies, dtype=torch.float64).float()


def scores(model, tokens):
    logits = model(tokens).logits[0]
    logprobs = torch.log_softmax(logits, -1)
    chosen = logprobs[:-1].gather(1, tokens[0, 1:, None])[:, 0]
    return logits, logprobs, chosen


def greedy(model, prompt, new_tokens):
    out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=new_tokens, do_sample=False,
                         pad_token_id=0, eos_token_id=None)
    return out[0, prompt.shape[1]:].int().contiguous()


def ragged(model, tensors):
    vocabulary = model.config.vocab_size
    loss = torch.zeros(())
    for index, length in enumerate(LENGTHS):
        tokens = torch.randint(0, vocabulary, (1, length))
        weights = torch.rand(length)
        weights[torch.rand(length) < 0.2] = 0.0
        weights[0] = 0.0
        logits, logprobs, chosen = scores(model, tokens)
        loss = loss - (weights[1:] * chosen).sum() / 10.0
        tensors[f"sequence.{index}.tokens"] = tokens[0].int()
        tensors[f"sequence.{index}.weights"] = weights
        if length > 1:
            tensors[f"sequence.{index}.logprobs"] = chosen.detach().clone()
            tensors[f"sequence.{index}.entropies"] = -(logprobs.exp() * logprobs).sum(-1)[:-1].detach().clone()
    model.zero_grad()
    loss.backward()
    tensors["loss"] = loss.detach().reshape(1)
    for name, parameter in model.named_parameters():
        tensors[f"gradient.{name}"] = parameter.grad.clone().contiguous()
    for index, length in enumerate(PROMPTS):
        prompt = torch.randint(0, vocabulary, (1, length))
        tensors[f"greedy.{index}.prompt"] = prompt[0].int()
        tensors[f"greedy.{index}.tokens"] = greedy(model, prompt, NEW_TOKENS)


def long(model, tensors):
    tokens = torch.randint(0, model.config.vocab_size, (1, LONG))
    tensors["long.tokens"] = tokens[0].int()
    with torch.no_grad():
        tensors["long.logprobs.unchanged"] = scores(model, tokens)[2][-SCORED:].clone()
    exact = exact_frequencies(model.config)
    rotary = model.model.rotary_emb
    assert torch.allclose(rotary.inv_freq, exact, rtol=1e-6, atol=0), "the formulas differ"
    rotary.inv_freq.copy_(exact)
    chosen = scores(model, tokens)[2][-SCORED:]
    loss = -chosen.sum() / 10.0
    model.zero_grad()
    loss.backward()
    tensors["long.loss"] = loss.detach().reshape(1)
    tensors["long.logprobs"] = chosen.detach().clone()
    for name, parameter in model.named_parameters():
        if "self_attn" in name:
            tensors[f"long.gradient.{name}"] = parameter.grad.clone().contiguous()
    tensors["long.greedy"] = greedy(model, tokens, LONG_NEW_TOKENS)


def case(name, kind, config, seed):
    model = build(kind, config, seed)
    tensors = {f"weight.{n}": p.detach().bfloat16().contiguous() for n, p in model.named_parameters()}
    ragged(model, tensors)
    long(model, tensors)
    save_file(tensors, HERE / f"{name}.safetensors")
    values = {k: v for k, v in model.config.to_dict().items() if v is not None}
    (HERE / f"{name}.config.json").write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed, (name, (kind, config)) in enumerate(CASES.items()):
        case(name, kind, config, 10 + seed)
