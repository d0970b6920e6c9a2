"""Writes src/predict/imagenet-classes.ts from torchvision's names: python3 test/predict/make-imagenet-classes.py

Needs torchvision 0.13 or later (Debian: apt-get install python3-torchvision).
"""
from pathlib import Path

from torchvision.models._meta import _IMAGENET_CATEGORIES as names

TARGET = Path(__file__).parents[2] / "src" / "predict" / "imagenet-classes.ts"
SEPARATOR = "|"
# As wide as a line of code.
WIDTH = 120

HEAD = """\
/**
 * ImageNet's 1000 classes in the order of their indices, under the names that torchvision gives them. Written by
 * test/predict/make-imagenet-classes.py.
 */

const NAMES = `
"""
TAIL = """
`;

/** Names of the 1000 classes; their places are the outputs of a network trained on ImageNet. */
export const IMAGENET_CLASSES: readonly string[] = NAMES.replaceAll('\\n', '').split('|');
"""


def lines():
    """Yields the names with a separator between them, broken only after separators."""
    line = ""
    for i, name in enumerate(names):
        piece = name + (SEPARATOR if i + 1 < len(names) else "")
        if len(line) + len(piece) > WIDTH:
            yield line
            line = ""
        line += piece
    yield line


assert len(names) == 1000
assert not any(character in name for name in names for character in SEPARATOR + "`$\\\n")
TARGET.write_text(HEAD + "\n".join(lines()) + TAIL)
