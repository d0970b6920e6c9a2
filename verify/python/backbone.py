"""backbone.py IN OUT NET: what this project computed with one of torchvision's networks, against torchvision.

IN holds the weights that seed 0 drew (weights.…), a batch (images, labels), and what was computed from them: the logits in
evaluation mode (eval), then of one training step the loss (loss), the gradients (grad.…), the running statistics after
it (state.…), and what each batch norm put out (norm.…; after a ReLU that follows it, if that was fused).

Writes how the drawn weights differ from torch's (same: how many entries have the same bits; draws: the largest difference over the
entry's standard deviation; next: two draws after them), and of the rest the relative L2 errors against float64, ours and those of torch's
float32 (eval, loss, grads [n, 2], states [n, 2]), and how many activations took another branch (flips: in float64, in float32).

Where an activation has a kink, such as a ReLU at 0, rounding decides about a few of millions of values on which side they lie, which
changes all gradients before by a thousand times the kernels' rounding. So torch takes the side that we took, wherever a batch norm lies
before: then only rounding is left.
"""
import sys

import torch
from common import read, write
from torchvision import models

source, destination, name = sys.argv[1:4]
tensors = read(source)
build = lambda: getattr(models, name)()


def under(prefix):
    return {key[len(prefix):]: value for key, value in tensors.items() if key.startswith(prefix)}


# Below this share of the largest of its kind a value is a rounding of 0: the shift of a linear layer before a batch norm has no effect.
ZERO = 1e-9


def error(found, exact, largest=0):
    """The relative L2 error; of what is exactly 0 that relative to the largest of its kind."""
    found, exact = found.double(), exact.double()
    size = exact.norm().item()
    return (found - exact).norm().item() / (size if size > ZERO * largest else largest)


# The sides of an activation's kinks on which values lie, and its pieces between them.
def relu(x, at):
    return torch.where(at > 0, x, torch.zeros_like(x))


def relu6(x, at):
    return torch.where(at <= 0, torch.zeros_like(x), torch.where(at >= 6, torch.full_like(x, 6), x))


def hardswish(x, at):
    return torch.where(at <= -3, torch.zeros_like(x), torch.where(at >= 3, x, x * (x + 3) / 6))


PIECES = {torch.nn.ReLU: relu, torch.nn.ReLU6: relu6, torch.nn.Hardswish: hardswish}
sides = under("norm.")
flips = 0


def pin(model):
    """Activations after a batch norm take the side that our batch norm's values lie on."""

    def mark(key):
        def hook(module, inputs, output):
            output.side_of = key

        return hook

    def pinned(kind, piece, plain):
        def forward(x):
            global flips
            key = getattr(x, "side_of", None)
            if key is None:
                return plain(x)
            at = sides[key].view_as(x).to(x.dtype)
            out = piece(x, at)
            flips += (out != piece(x, x)).sum().item()
            return out

        return forward

    for key, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(mark(key))
        elif type(module) in PIECES:
            module.inplace = False
            module.forward = pinned(type(module), PIECES[type(module)], module.forward)


def step(weights, dtype, generator):
    """Logits in evaluation mode, then one training step with the random draws that follow the weights'."""
    model = build()
    model.load_state_dict(weights)
    model = model.to(dtype)
    images, labels = tensors["images"].to(dtype), tensors["labels"].long()
    with torch.no_grad():
        logits = model.eval()(images)
    pin(model)
    torch.set_rng_state(generator)
    loss = torch.nn.functional.cross_entropy(model.train()(images), labels)
    loss.backward()
    states = {key: value for key, value in model.named_buffers() if "running" in key}
    return logits, loss.detach(), {key: value.grad for key, value in model.named_parameters()}, states


torch.manual_seed(0)
drawn = build().state_dict()
generator = torch.get_rng_state()
weights = under("weights.")
out = {"next": torch.rand(2)}
keys = [key for key in drawn if key in weights]
missing = [key for key in drawn if key not in weights and not key.endswith("num_batches_tracked")]
if missing or len(keys) != len(weights):
    sys.exit(f"{name}: other entries: {missing[:3]} missing, of {len(weights)} known {len(keys)}")
for key in missing + [key for key in drawn if key not in weights]:
    weights[key] = drawn[key]
out["same"] = torch.tensor([sum(torch.equal(drawn[key], weights[key]) for key in keys), len(keys)], dtype=torch.float32)
far = [((drawn[key] - weights[key]).abs().max() / drawn[key].std()).item() for key in keys if drawn[key].numel() > 1 and drawn[key].std() > 0]
out["draws"] = torch.tensor([max(far)])

exact = step(weights, torch.float64, generator)
flipped = [flips]
flips = 0
theirs = step(weights, torch.float32, generator)
flipped.append(flips)
out["flips"] = torch.tensor(flipped, dtype=torch.float32)
for key, at in (("eval", 0), ("loss", 1)):
    out[key] = torch.tensor([error(tensors[key].view_as(exact[at]), exact[at]), error(theirs[at], exact[at])])
for key, prefix, at in (("grads", "grad.", 2), ("states", "state.", 3)):
    ours = under(prefix)
    if set(ours) != set(exact[at]):
        sys.exit(f"{name}: {prefix} of other names: {sorted(set(ours) ^ set(exact[at]))[:3]}")
    largest = max((value.norm().item() for value in exact[at].values()), default=0)
    rows = [[error(found[one], value, largest) for found in (ours, theirs[at])] for one, value in exact[at].items()]
    out[key] = torch.tensor(rows if rows else torch.zeros(0, 2))
write(destination, out, {"names": "\n".join(exact[2])})
