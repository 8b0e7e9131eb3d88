"""Greedy completions of a model folder by transformers, for the prompts that `azr eval --show-prompts` prints.

    azr eval humaneval_plus --model DIR --prompts paper --show-prompts > prompts.jsonl
    python benchmarks/reference/generate.py --model DIR --prompts prompts.jsonl --out completions.jsonl [--threads 2]

The same rules as ours: 32 bits, a completion ends at the first stop text (cut off) or at a token that ends a text. Lines
are appended as they are made, and those that are there are not made again. Prompts are sorted by length and run in
batches, padded on the left.
"""

import argparse
import json
import pathlib
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria


class AtStopTexts(StoppingCriteria):
    """Ends a row when its text holds a stop text."""

    def __init__(self, tokenizer, stops, length):
        self.tokenizer, self.stops, self.length = tokenizer, stops, length

    def __call__(self, tokens, scores, **_):
        # A stop text of n characters has at most n tokens, and the last one may hold its end.
        tail = max(map(len, self.stops), default=0) + 8
        texts = self.tokenizer.batch_decode(tokens[:, max(self.length, tokens.shape[1] - tail):])
        return torch.tensor([any(stop in text for stop in self.stops) for text in texts])


def cut(text, stops):
    ends = [text.find(stop) for stop in stops if stop in text]
    return text[: min(ends)] if ends else text


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--prompts", required=True, type=pathlib.Path)
    arguments.add_argument("--out", required=True, type=pathlib.Path)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--batch", type=int, default=16)
    arguments.add_argument("--max-seconds", type=float, default=float("inf"))
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    prompts = [json.loads(line) for line in options.prompts.open()]
    done = {json.loads(line)["item"] for line in options.out.open()} if options.out.exists() else set()
    left = sorted((one for one in prompts if one["item"] not in done), key=lambda one: len(one["prompt"]))
    context = model.config.max_position_embeddings
    start = time.perf_counter()
    while left and time.perf_counter() - start < options.max_seconds:
        batch, left = left[: options.batch], left[options.batch:]
        # A chat template has written its own marks into the text already.
        inputs = tokenizer([one["prompt"] for one in batch], return_tensors="pt", padding=True, add_special_tokens=False)
        length = inputs["input_ids"].shape[1]
        stops, bound = batch[0]["stop"], min(batch[0]["max_new_tokens"], context - length)
        with torch.no_grad():
            tokens = model.generate(**inputs, max_new_tokens=bound, do_sample=False, num_beams=1,
                                    pad_token_id=tokenizer.pad_token_id,
                                    stopping_criteria=[AtStopTexts(tokenizer, stops, length)] if stops else None)
        with options.out.open("a") as out:
            for one, row in zip(batch, tokens[:, length:]):
                text = cut(tokenizer.decode(row, skip_special_tokens=True), stops)
                out.write(json.dumps({"item": one["item"], "completion": text}) + "\n")
        print(f"{len(prompts) - len(left)} of {len(prompts)} after {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
