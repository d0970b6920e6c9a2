"""Shared by the scripts that write golden cases: runs PyTorch on a case, and writes the two files that keep cases.

Expected values are computed in double from float32 inputs and rounded once, so they are exact to float32. `torch32` is
the error of PyTorch's own float32, as the largest |difference| / (1 + |truth|).
"""

import json
import pathlib

import torch

OUT = pathlib.Path(__file__).parent.parent.parent / "golden" / "ops"
torch.set_num_threads(1)

cases = []
binary = bytearray()


def store(tensor):
    integers = tensor.dtype == torch.int64
    array = tensor.detach().to(torch.int64 if integers else torch.float32).contiguous().numpy()
    entry = {"shape": list(tensor.shape), "offset": len(binary) // 4}
    if integers:
        entry["dtype"] = "u32"
    binary.extend(array.astype("<u4" if integers else "<f4").tobytes())
    return entry


def run(function, inputs, seed, dtype):
    """Output and gradients (and what the function changed in place) in one precision."""
    tensors = {}
    for name, value in inputs.items():
        # Always a copy, because running statistics are changed in place.
        copy = value.detach().clone().to(dtype if value.is_floating_point() else value.dtype)
        tensors[name] = copy.requires_grad_(value.requires_grad)
    output = function(**tensors)
    found = {"output": output.detach()}
    if seed is not None:
        output.backward(seed.to(dtype))
    for name, value in tensors.items():
        if value.requires_grad:
            found[name + "Grad"] = value.grad
        elif name.startswith("running"):
            found[name + "After"] = value
    return found


def case(op, function, inputs, options=None, seed=True, name=None):
    """Runs in double for the truth and in float32 for comparison; `seed` is the output's gradient (True: random)."""
    shape = function(**{name: value.detach().clone() for name, value in inputs.items()}).shape
    if seed is True:
        seed = torch.randn(shape)
    truth = run(function, inputs, seed, torch.float64)
    single = run(function, inputs, seed, torch.float32)
    torch32 = {}
    for key, value in truth.items():
        if value.numel() > 0 and value.is_floating_point() and value.isfinite().all():
            torch32[key] = ((value - single[key]).abs() / (1 + value.abs())).max().item()
    entry = {"op": op, **({"name": name} if name else {}), "options": options or {}, "torch32": torch32}
    entry["inputs"] = {key: {**store(value), "grad": value.requires_grad} for key, value in inputs.items()}
    if seed is not None:
        entry["seed"] = store(seed)
    entry["expected"] = {key: store(value) for key, value in truth.items()}
    cases.append(entry)


def random(*shape, grad=True, scale=1.0, mean=0.0):
    return (torch.randn(shape) * scale + mean).requires_grad_(grad)


def write(name):
    """Writes the cases so far to <name>.json, and the values that it points to to <name>.bin."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.bin").write_bytes(binary)
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
    (OUT / f"{name}.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(cases)} cases, {len(binary)} bytes of values")
