"""Decodes pictures with Pillow: a path on each line of stdin, a line of JSON on stdout. `warned`: Python or a library did."""
import hashlib
import json
import os
import resource
import signal
import sys
import tempfile
import warnings

from PIL import Image

Image.MAX_IMAGE_PIXELS = int(sys.argv[1]) // 2  # Pillow refuses above twice this.
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
# Libraries print their warnings.
told = tempfile.TemporaryFile()
os.dup2(told.fileno(), 2)


def stop(*_):
    raise TimeoutError("too slow")


signal.signal(signal.SIGALRM, stop)
for line in sys.stdin:
    before = os.fstat(2).st_size
    answer = {}
    signal.setitimer(signal.ITIMER_REAL, 4)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with Image.open(line.rstrip("\n")) as image:
                rgb = image.convert("RGB")
            answer = {"width": rgb.width, "height": rgb.height, "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()}
        answer["warned"] = os.fstat(2).st_size != before or any(w.category is not ResourceWarning for w in caught)
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:200]}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(answer), flush=True)
