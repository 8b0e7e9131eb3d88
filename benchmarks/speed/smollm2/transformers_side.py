"""The peer's side: generation and a training step of PyTorch + transformers on the same folder of weights.

    python benchmarks/speed/smollm2/transformers_side.py --model DIR [--threads 2] [--batch 1,16,64] [--repeat 3]

The work is that of `azr model bench`: prompts of 128 random tokens, 64 new ones drawn at temperature 1, in 32 bits; a
training step on 8 sequences of 192 tokens with AdamW. Rates are medians. Prints one JSON object.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from transformers import AutoModelForCausalLM

PROMPT, NEW, SEQUENCES = 128, 64, 8


def row(name, tokens, repeat, work):
    """Medians of wall and processor time."""
    work()
    wall, processor = [], []
    for _ in range(repeat):
        start = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    wall, processor = statistics.median(wall), statistics.median(processor)
    return {"name": name, "tokens": tokens, "seconds": wall, "tokens_per_second": tokens / wall,
            "tokens_per_processor_second": tokens / processor}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--batch", default="1,16,64")
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--sequences", type=int, default=SEQUENCES)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    vocabulary = model.config.vocab_size
    rows = []
    for batch in map(int, options.batch.split(",")):
        prompts = torch.randint(0, vocabulary, (batch, PROMPT))

        def generate():
            with torch.no_grad():
                model.generate(prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=NEW, min_new_tokens=NEW,
                               do_sample=True, temperature=1.0, top_k=0, top_p=1.0, pad_token_id=0)

        rows.append(row(f"generate, batch {batch}", batch * NEW, options.repeat, generate))
    if options.sequences:
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
        tokens = torch.randint(0, vocabulary, (options.sequences, PROMPT + NEW))

        def step():
            loss = model(tokens, labels=tokens, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        count = options.sequences * (PROMPT + NEW - 1)
        rows.append(row(f"train, {options.sequences} x {PROMPT + NEW}", count, options.repeat, step))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"torch": torch.__version__, "rows": rows, "peak_memory_mib": peak}, indent=2))


if __name__ == "__main__":
    main()
