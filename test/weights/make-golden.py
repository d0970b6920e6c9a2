"""Writes the .pth files in test/golden/weights/, and expected.json with the values that PyTorch reads from them.

Run with any Python that has torch (the files here are from 1.13):  python3 test/weights/make-golden.py
Each run writes the same zip files. The streams differ, because torch names their storages by memory address.
"""

import base64
import collections
import json
import pathlib
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
OUT = pathlib.Path(__file__).parent.parent / "golden" / "weights"
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}
expected = {}


def describe(tensor):
    values = tensor.detach().to(torch.float32).contiguous()
    return {
        "dtype": DTYPES[tensor.dtype],
        "shape": list(tensor.shape),
        "float32": base64.b64encode(values.numpy().tobytes()).decode(),
    }


def save(name, value, tensors, metadata=None, **options):
    """Saves value. A reader of the state dict should find `tensors` in it."""
    torch.save(value, OUT / name, **options)
    expected[name] = {"tensors": {key: describe(t) for key, t in tensors.items()}, "metadata": metadata or {}}


OUT.mkdir(parents=True, exist_ok=True)
torch.manual_seed(7)

# A state dict as models give it: OrderedDict with _metadata, batch-norm statistics, num_batches_tracked.
model = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3, 2))
for _ in range(3):
    model(torch.randn(4, 2, 3, 3))
state = collections.OrderedDict((k, v.detach().clone()) for k, v in model.state_dict().items())
state._metadata = model.state_dict()._metadata
save("plain.pth", state, state)
save("protocol4.pth", state, state, pickle_protocol=4)
save("stream.pth", state, state, _use_new_zipfile_serialization=False)

# Every dtype, with values that decoders often get wrong.
odd = torch.tensor([0.0, -0.0, 1.0, -1.5, 65504.0, 6e-8, 6.1e-5, 0.1, float("inf"), float("-inf"), float("nan")])
dtypes = {
    "f64": (odd.double() + 1e-9), "f32": odd, "f16": odd.half(), "bf16": odd.bfloat16(),
    "i64": torch.tensor([0, -1, 2**24 + 1, -(2**62)]), "i32": torch.tensor([0, -1, 2**31 - 1], dtype=torch.int32),
    "i16": torch.tensor([0, -1, 32767], dtype=torch.int16), "i8": torch.tensor([0, -128, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 128, 255], dtype=torch.uint8), "bool": torch.tensor([True, False]),
}
save("dtypes.pth", dtypes, dtypes)

# Views of storages: strides, offsets, sharing, repetition, scalars, empty tensors.
base = torch.randn(4, 6)
views = {
    "base": base, "transposed": base.t(), "rows": base[1:3], "columns": base[:, 1:4], "every_other": base[::2, ::3],
    "permuted": torch.randn(2, 3, 4).permute(2, 0, 1), "repeated": base[0].expand(3, 6), "tied": base,
    "scalar": base[2, 3], "empty": torch.zeros(0, 3), "size_one": base[:, 2:3].t(),
    "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
}
save("views.pth", views, views)
save("views-stream.pth", views, views, _use_new_zipfile_serialization=False)

# A training checkpoint of a DataParallel model.
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(torch.randn(4, 2, 3, 3)).sum().backward()
optimizer.step()
wrapped = nn.DataParallel(model).state_dict()
save(
    "training.pth",
    {"epoch": 12, "arch": "tiny", "best": 0.5, "state_dict": wrapped, "optimizer": optimizer.state_dict()},
    {name[len("module."):]: tensor for name, tensor in wrapped.items()},
    {"epoch": "12", "arch": "tiny", "best": "0.5"},
)
save("wrapped.pth", {"model_state_dict": state, "done": True}, state, {"done": "true"})
parameters = {"weight": nn.Parameter(torch.randn(2, 2)), "frozen": nn.Parameter(torch.randn(3), requires_grad=False)}
save("parameters.pth", parameters, parameters)

# Files that must be refused.
torch.save(nn.Linear(2, 1), OUT / "module.pth")
torch.save({"w": torch.tensor([1 + 2j])}, OUT / "complex.pth")
torch.save(torch.zeros(2), OUT / "bare.pth")

(OUT / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
