"""Writes the reference files of tests/golden: what transformers computes on tiny random Qwen2 models.

    pip install torch transformers safetensors numpy
    python daemon/model/tests/golden/reference.py

For each model a safetensors file with its weights (HF names), ragged sequences, their logits at a few rows, the
weighted cross-entropy and every parameter's gradient, and greedy continuations; config.json beside it. And what torch's optimizers do to three tensors in four steps.
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


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """torch.optim.Muon's Newton-Schulz iteration, in 32 bits where torch rounds to bf16."""
    x = matrix / matrix.norm().clamp(min=1e-7)
    x = x.T if matrix.shape[0] > matrix.shape[1] else x
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def optimizers() -> None:
    torch.manual_seed(3)
    shapes = {"wide": (24, 40), "tall": (40, 24), "vector": (24,)}
    start = {name: torch.randn(shape) for name, shape in shapes.items()}
    gradients = [{name: torch.randn(shape) for name, shape in shapes.items()} for _ in range(4)]
    tensors = {f"start.{name}": values.clone() for name, values in start.items()}
    for step, step_gradients in enumerate(gradients):
        tensors |= {f"gradient.{step}.{name}": values for name, values in step_gradients.items()}

    adamw = {name: torch.nn.Parameter(values.clone()) for name, values in start.items()}
    optimizer = torch.optim.AdamW([
        {"params": [adamw["wide"], adamw["tall"]], "weight_decay": 0.1},
        {"params": [adamw["vector"]], "weight_decay": 0.0},
    ], betas=(0.9, 0.98), eps=1e-8)
    torch_muon = {name: torch.nn.Parameter(start[name].clone()) for name in ("wide", "tall")}
    muon_optimizer = torch.optim.Muon(torch_muon.values(), weight_decay=0.1, momentum=0.95, nesterov=True,
                                      adjust_lr_fn="original")
    muon = {name: start[name].clone() for name in ("wide", "tall")}
    momentum = {name: torch.zeros(shapes[name]) for name in muon}
    for step, step_gradients in enumerate(gradients):
        rate = 0.01 * (step + 1)
        for group in [*optimizer.param_groups, *muon_optimizer.param_groups]:
            group["lr"] = rate
        for name, gradient in step_gradients.items():
            adamw[name].grad = gradient.clone()
            if name in muon:
                torch_muon[name].grad = gradient.clone()
                momentum[name].lerp_(gradient, 0.05)
                update = orthogonal(gradient.lerp(momentum[name], 0.95))
                ratio = max(1.0, shapes[name][0] / shapes[name][1]) ** 0.5
                muon[name] = muon[name] * (1 - rate * 0.1) - rate * ratio * update
        optimizer.step()
        muon_optimizer.step()
    tensors |= {f"adamw.{name}": values.detach().clone() for name, values in adamw.items()}
    tensors |= {f"muon.{name}": values.contiguous() for name, values in muon.items()}
    tensors |= {f"torch_muon.{name}": values.detach().clone() for name, values in torch_muon.items()}
    save_file({name: values.contiguous() for name, values in tensors.items()}, HERE / "optimizers.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    optimizers()
    reference("tied", True, 1)
    reference("untied", False, 2)
