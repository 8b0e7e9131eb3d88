"""One self-play step as a straightforward PyTorch + transformers loop, timed by part.

    azr train tiny --seed 1 --steps 3 --run-dir RUN && azr export RUN --to jsonl --out LINES
    python peer.py MODEL_FOLDER LINES/step-3.jsonl [--repeat 1]

The same model (the folder of harness/assets/azr-tiny), the same prompts as the recorded step, the same bound on new
tokens, the same number of sequences learned from. Generation is `model.generate` on left-padded batches; programs run in
a pool of processes by `exec`, as the reference's executor runs them; learning recomputes the old log-probabilities and
makes the step's updates with AdamW in micro-batches of 16. It prints seconds of wall clock and of processor time.
"""

import argparse
import json
import multiprocessing
import re
import resource
import time

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

MAX_NEW_TOKENS = 192
BATCH = 64
MICRO_BATCH = 16
UPDATES = 3


def run_program(job):
    """The reference's way: execute the text, evaluate the call, twice, within one worker process."""
    program, call = job
    try:
        names = {}
        exec(program, names)
        first = eval(call, names)
        return repr(first) if first == eval(call, names) else "nondeterministic"
    except BaseException as error:
        return type(error).__name__


def blocks(text, tag):
    return re.findall(rf"```{tag}\n(.*?)\n```", text, re.S)


def job_of(row):
    """What a recorded response asks the sandbox to run."""
    texts = (row["response"], row["prompt"])
    program = next((found[-1] for found in (blocks(text, "python") for text in texts) if found), None)
    inputs = next((found[-1] for found in (blocks(text, "input") for text in texts) if found), None)
    return (program, f"f({inputs})") if program and inputs else None


def processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Phases:
    def __init__(self):
        self.seconds = {}

    def measure(self, name, work):
        wall, processor = time.perf_counter(), processor_seconds()
        result = work()
        old = self.seconds.get(name, (0.0, 0.0))
        self.seconds[name] = (old[0] + time.perf_counter() - wall, old[1] + processor_seconds() - processor)
        return result


def generate(model, tokenizer, prompts):
    sequences = []
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.no_grad():
            made = model.generate(
                **batch, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=MAX_NEW_TOKENS,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=model.generation_config.eos_token_id,
            )
        width = batch["input_ids"].shape[1]
        ends = model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else ends
        for ids, mask, row in zip(batch["input_ids"], batch["attention_mask"], made):
            response = row[width:].tolist()
            length = next((at + 1 for at, token in enumerate(response) if token in ends), len(response))
            sequences.append((ids[mask.bool()].tolist(), response[:length]))
    return sequences


def logprobs(model, batch, pad):
    longest = max(len(prompt) + len(response) for prompt, response in batch)
    ids = torch.full((len(batch), longest), pad)
    attention, target = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, (prompt, response) in enumerate(batch):
        length = len(prompt) + len(response)
        ids[row, :length] = torch.tensor(prompt + response)
        attention[row, :length] = 1
        target[row, len(prompt) : length] = 1
    logits = model(input_ids=ids, attention_mask=attention).logits[:, :-1].float()
    chosen = torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    return chosen, target[:, 1:].float()


def learn(model, optimizer, sequences, pad):
    micro = [sequences[start : start + MICRO_BATCH] for start in range(0, len(sequences), MICRO_BATCH)]
    with torch.no_grad():
        old = [logprobs(model, batch, pad)[0] for batch in micro]
    for update in range(UPDATES):
        part = range(update, len(micro), UPDATES)
        for index in part:
            now, mask = logprobs(model, micro[index], pad)
            ratio = torch.exp(now - old[index])
            advantage = torch.randn(len(micro[index]), 1)
            loss = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.28) * advantage)
            ((loss * mask).sum() / mask.sum() / len(part)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("model")
    arguments.add_argument("rows")
    arguments.add_argument("--repeat", type=int, default=1)
    options = arguments.parse_args()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{options.model}/tokenizer.json", padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    end = model.generation_config.eos_token_id
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(end if isinstance(end, int) else end[0])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    rows = [json.loads(line) for line in open(options.rows)]
    by_role = {role: [row["prompt"] for row in rows if row["role"] == role] for role in ("propose", "estimate", "solve")}
    jobs = [job for job in map(job_of, rows) if job]
    pool = multiprocessing.get_context("spawn").Pool(torch.get_num_threads())
    pool.map(run_program, jobs[:8])
    for _ in range(options.repeat):
        phases = Phases()
        trained = []
        for role in ("propose", "estimate", "solve"):
            made = phases.measure("generate", lambda: generate(model, tokenizer, by_role[role]))
            trained += made if role != "estimate" else []
        phases.measure("execute", lambda: pool.map(run_program, jobs, chunksize=8))
        phases.measure("learn", lambda: learn(model, optimizer, trained, tokenizer.pad_token_id))
        tokens = sum(len(response) for _, response in trained)
        wall, processor = (sum(one[at] for one in phases.seconds.values()) for at in (0, 1))
        print(json.dumps({
            "sequences": len(rows), "programs": len(jobs), "trained_tokens": tokens,
            "seconds": {name: round(one[0], 2) for name, one in phases.seconds.items()} | {"total": round(wall, 2)},
            "processor_seconds": {name: round(one[1], 2) for name, one in phases.seconds.items()} | {"total": round(processor, 2)},
        }))
    pool.terminate()


if __name__ == "__main__":
    main()
