"""
Runs random programs (test/fuzz/program.ts) on PyTorch: reads one JSON object a line, and writes one a line, until the
input ends.

Each program runs once in float64, which is the truth, and several times in float32: plainly, and with every result
rounded differently ("jittered" by up to an ulp). A single run may be right by luck, above all if a tensor has few
values. The largest error of all runs is the error of float32 for this program.

Answer: {"id", "near": [...], "tensors": {name: {"shape", "values" (base64 of float64), "most", "rms"} or null}}. "near"
names the values that rounding could carry across a kink (ReLU's 0, two maxima of a window). The caller then draws new
values.
"""
import base64
import json
import sys
import traceback

import numpy as np
import torch

import torch_layers  # noqa: F401 (it adds to OPS)
from torch_ops import OPS

torch.set_num_threads(1)

JITTERED_RUNS = 3
ULP = 2.0**-23
# The bar for the engine, in float32 errors of PyTorch and relative to a tensor's size, as in compare.ts.
TIMES, FLOOR = 20.0, 1e-6
LARGEST = 1e15


class Rounding:
    """Moves every value by up to an ulp, at random but repeatably."""

    def __init__(self, seed):
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, x):
        noise = torch.rand(x.shape, generator=self.generator, dtype=torch.float64) * 2 - 1
        return (x.double() * (1 + ULP * noise)).to(x.dtype)


    def each(self, op):
        """Moves equal values equally, as an elementwise op does."""

        def move(x):
            bits = x.detach().double().contiguous().view(torch.int64)
            mixed = (bits ^ (self.seed + 977 * op)) * -7046029254386353131
            mixed = (mixed ^ (mixed >> 29)) * -4658895280553007687
            noise = (mixed >> 11).double() / 2.0**52
            return (x.double() * (1 + ULP * noise)).to(x.dtype)

        return move


class RoundForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, rounding):
        return rounding(x)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class RoundBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, rounding):
        ctx.rounding = rounding
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return ctx.rounding(grad), None


class Machine:
    """One run of a program in one precision."""

    def __init__(self, program, values, dtype, rounding=None):
        self.dtype, self.rounding, self.values = dtype, rounding, values
        self.tensors, self.reported, self.kinks, self.ops = {}, {}, [], 0
        self.learning = []
        for leaf in program["leaves"]:
            name = leaf["name"]
            value = self.value(name, leaf["shape"])
            if value.is_floating_point():
                # A copy, because optimizer steps change it.
                value = value.clone().requires_grad_(leaf["requiresGrad"])
                if name[0] not in "sk":
                    self.learning.append(name)
            self.tensors[name] = value
        self.optimizers = [
            torch.optim.SGD(
                [self.tensors[name] for name in spec["parameters"]],
                lr=0.1,
                momentum=spec["momentum"],
                dampening=spec["dampening"],
                nesterov=spec["nesterov"],
                weight_decay=spec["weightDecay"],
            )
            for spec in program["optimizers"]
        ]
        self.parameters = [spec["parameters"] for spec in program["optimizers"]]
        self.run(program["statements"])

    def value(self, name, shape):
        value = torch.from_numpy(self.values[name].copy())
        return (value.to(self.dtype) if value.is_floating_point() else value.long()).reshape(shape)

    def run(self, statements):
        for statement in statements:
            getattr(self, "do_" + statement["do"])(statement)

    def do_op(self, statement):
        op = statement["op"]
        self.ops += 1
        inputs = {name: self.tensors[tensor] for name, tensor in op["inputs"].items()}
        self.tensors[statement["out"]] = OPS[op["op"]](self, inputs, op["options"])

    def do_noGrad(self, statement):
        with torch.no_grad():
            self.run(statement["body"])

    def do_scope(self, statement):
        before = set(self.tensors)
        self.run(statement["body"])
        for name in set(self.tensors) - before - set(statement["keep"]):
            del self.tensors[name]

    def do_dispose(self, statement):
        del self.tensors[statement["tensor"]]

    def do_read(self, statement):
        name = statement["tensor"]
        self.report(statement["label"] + " " + name, self.tensors[name])

    def do_backward(self, statement):
        if "fails" in statement:
            return
        loss = self.tensors[statement["loss"]]
        if "draw" in statement:
            seed = self.value("draw %d" % statement["draw"], loss.shape)
        else:
            seed = torch.full_like(loss, statement.get("seed", 1.0))
        loss.backward(seed, retain_graph=statement.get("retainGraph", False))
        for name in self.learning:
            if name not in self.tensors:
                continue  # disposed
            self.report("%s %s.grad" % (statement["label"], name), self.tensors[name].grad)

    def do_requiresGrad(self, statement):
        self.tensors[statement["leaf"]].requires_grad_(statement["on"])

    def do_set(self, statement):
        leaf = self.tensors[statement["leaf"]]
        with torch.no_grad():
            leaf.copy_(self.value("draw %d" % statement["draw"], leaf.shape))

    def do_setGrad(self, statement):
        grad = self.tensors[statement["leaf"]].grad
        if grad is not None:
            grad.copy_(self.value("draw %d" % statement["draw"], grad.shape))

    def do_step(self, statement):
        index = statement["optimizer"]
        for group in self.optimizers[index].param_groups:
            group["lr"] = statement["lr"]
        self.optimizers[index].step()
        for name in self.parameters[index]:
            self.report(statement["label"] + " " + name, self.tensors[name])

    def do_zeroGrad(self, statement):
        names = [statement["leaf"]] if "leaf" in statement else self.parameters[statement["optimizer"]]
        for name in names:
            self.tensors[name].grad = None

    def do_force(self, statement):
        pass

    def report(self, name, tensor):
        self.reported[name] = None if tensor is None else tensor.detach().double().numpy().copy()

    # What ops call (see torch_ops.py).

    def inward(self, x):
        return RoundBackward.apply(x, self.rounding) if self.rounding and x.is_floating_point() else x

    def outward(self, x):
        return RoundForward.apply(x, self.rounding) if self.rounding else x

    def each(self, x):
        return RoundForward.apply(x, self.rounding.each(self.ops)) if self.rounding else x

    def kink(self, kind, value, gap, choice, share=1):
        """A choice between values: `gap` is their distance, and `share` how many of them an error moves."""
        self.kinks.append({"kind": kind, "value": value, "gap": gap, "choice": choice, "share": share})


def size_of(values):
    return float(np.abs(values).max()) if values.size else 0.0


def near_kinks(exact, runs):
    """Choices that rounding may change: the engine's allowed error could carry a value across, or a run does so."""
    near = []
    for at, kink in enumerate(exact.kinks):
        others = [run.kinks[at] for run in runs]
        errors = [other["value"] - kink["value"] for other in others] + [ULP / 2 * kink["value"]]
        most = max(float(error.abs().max()) for error in errors)
        allowed = kink["share"] * (TIMES * most + FLOOR * min(1.0, max(0.1, float(kink["value"].abs().max()))))
        # Zeros and equal maxima that stay exact under any rounding, because they are copies of values, or sums of
        # zeros.
        settled = kink["gap"] == 0
        for other in others:
            settled &= other["gap"] == 0
        close = (kink["gap"] <= allowed) & ~settled
        for other in others:
            close |= kink["choice"] != other["choice"]
        if bool(close.any()):
            near.append("%s %d: %d" % (kink["kind"], at, int(close.sum())))
    return near


def answer(request):
    program = request["program"]
    values = {
        name: np.frombuffer(base64.b64decode(value["data"]), dtype="<u4" if value["u32"] else "<f4").astype(
            np.int64 if value["u32"] else np.float32
        )
        for name, value in request["values"].items()
    }
    exact = Machine(program, values, torch.float64)
    seeds = [program["seed"] % 2**31 + 7919 * run for run in range(JITTERED_RUNS)]
    runs = [Machine(program, values, torch.float32)]
    runs += [Machine(program, values, torch.float32, Rounding(seed)) for seed in seeds]
    tensors = {}
    everything = [value for run in [exact, *runs] for value in run.reported.values() if value is not None]
    # The comparison says nothing.
    if not all((np.abs(value) < LARGEST).all() for value in everything):
        return {"id": request["id"], "near": ["a value that is not finite, or very large"], "tensors": {}}
    for name, value in exact.reported.items():
        if value is None:
            tensors[name] = None
            continue
        errors = [run.reported[name] - value for run in runs] + [ULP / 2 * value]
        tensors[name] = {
            "shape": list(value.shape),
            "values": base64.b64encode(np.ascontiguousarray(value, dtype="<f8").tobytes()).decode(),
            "most": max(size_of(error) for error in errors),
            "rms": max(float(np.sqrt(np.mean(error**2))) for error in errors),
        }
    return {"id": request["id"], "near": near_kinks(exact, runs), "tensors": tensors}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = answer(request)
        except Exception:  # the caller says which program it was
            result = {"id": request["id"], "error": traceback.format_exc()}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
