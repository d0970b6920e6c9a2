"""Writes ../golden/cli/npm-environments.json: what npm passes on of flags that stand before `--` or behind it.

    python3 test/cli/make-npm-environments.py NPM-CLI.JS ...

Each argument is the npm-cli.js of one version of npm. Paths of this machine are left out.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

TYPED = [
    {"args": "run predict -- --weights X pic"},
    {"args": "run predict --weights X pic"},
    {"args": "run predict --weights=X pic --no-tune"},
    {"args": "run predict pic --json --batch-size=4"},
    {"args": "run predict pic --save out"},
    {"args": "run train --epochs 3 --data d"},
    {"args": "run train --epochs=3 --data=d --data=e --demo"},
    {"args": "run train --seed 1 -- --mode both"},
    {"args": "run train --no-demo"},
    {"args": "run train", "own": {"NPM_CONFIG_JSON": "true", "NPM_CONFIG_SEED": "3"}},
    {"args": "run train", "npmrc": "json=true\nseed = 3\n"},
    {"args": "run verify --ci --list"},
    {"args": "exec dawngrad train --epochs 3"},
    {"args": "exec -- dawngrad train --epochs 3"},
]
SCRIPTS = {"predict": "src/cli/predict.cjs", "train": "src/cli/train.cjs", "verify": "verify/main.cjs"}
KEPT = re.compile(r"npm_(config_.*|lifecycle_(event|script)|command|package_json)|INIT_CWD", re.I)
SHOW = """
const env = Object.fromEntries(Object.entries(process.env).sort());
console.log(JSON.stringify({ argv: process.argv.slice(1), env }));
"""


def main(clis):
    cases = []
    with tempfile.TemporaryDirectory() as root:
        root = os.path.realpath(root)
        lay_out(root)
        environment = {k: v for k, v in os.environ.items() if not k.lower().startswith("npm_")}
        for cli in clis:
            version = subprocess.check_output(["node", cli, "-v"], text=True).strip()
            for typed in TYPED:
                with open(os.path.join(root, ".npmrc"), "w") as file:
                    file.write(typed.get("npmrc", ""))
                command = ["node", cli, "--silent", *typed["args"].split()]
                env = {**environment, **typed.get("own", {}), "NPM_CONFIG_USERCONFIG": os.devnull}
                out = subprocess.run(command, cwd=root, env=env, text=True, capture_output=True)
                seen = json.loads(out.stdout.strip().split("\n")[-1].replace(root, "/root"))
                kept = {k: v for k, v in seen["env"].items() if KEPT.fullmatch(k) and is_ours(k, v)}
                cases.append({"npm": version, **typed, "argv": seen["argv"], "env": kept})
    out = os.path.join(os.path.dirname(__file__), "..", "golden", "cli", "npm-environments.json")
    with open(out, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


def is_ours(name, value):
    """npm's own settings that hold paths of this machine are left out."""
    return not name.startswith("npm_config_") or "/" not in value


def lay_out(root):
    scripts = {name: f"node --version && node {file}" for name, file in SCRIPTS.items()}
    with open(os.path.join(root, "package.json"), "w") as file:
        json.dump({"name": "any", "type": "commonjs", "scripts": scripts}, file)
    for path in [*SCRIPTS.values(), "node_modules/.bin/dawngrad"]:
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as file:
            file.write(SHOW if path.endswith(".cjs") else "#!/usr/bin/env node\n" + SHOW)
        os.chmod(full, 0o755)


main(sys.argv[1:])
