"""Does azr merge an adapter that PEFT wrote into the weights that PEFT's own merge gives?

    pip install torch transformers peft
    python daemon/model/checks/peft_adapter.py --azr target/release/azr --model DIR

Prints the relative error over the adapted matrices; exit code 1 where it is not rounding.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True)
    arguments.add_argument("--model", required=True)
    options = arguments.parse_args()
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.02)
    with tempfile.TemporaryDirectory() as folder:
        adapter, out = pathlib.Path(folder, "adapter"), pathlib.Path(folder, "merged")
        model.save_pretrained(adapter)
        subprocess.run([options.azr, "model", "convert", options.model, "--adapter", adapter, "--out", out, "--json"],
                       check=True, stdout=subprocess.DEVNULL)
        found = load_file(out / "model.safetensors")
    expected = model.merge_and_unload().state_dict()
    difference = square = 0.0
    for name, tensor in found.items():
        difference += (tensor - expected[name]).double().square().sum().item()
        square += expected[name].double().square().sum().item()
    error = (difference / square) ** 0.5
    print(json.dumps({"relative_error": error}))
    return 0 if error < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
