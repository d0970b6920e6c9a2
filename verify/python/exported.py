"""exported.py IN OUT PTH PICTURES: loads an exported .pth as the JSON file beside it says, strictly, and runs it on pictures
(a JSON list of paths) by the transform that it names. Writes the logits, and the pictures as the network takes them."""
import json
import sys

import torch
import torchvision
from common import write
from PIL import Image

destination, path, pictures = sys.argv[2:5]
with open(path + ".json", encoding="utf-8") as file:
    facts = json.load(file)
state = torch.load(path, weights_only=True)
model = getattr(torchvision.models, facts["architecture"])(num_classes=len(facts["classes"])).eval()
model.load_state_dict(state, strict=True)
transform = eval(facts["transform"])
with open(pictures, encoding="utf-8") as file:
    images = torch.stack([transform(Image.open(one).convert("RGB")) for one in json.load(file)])
with torch.no_grad():
    logits = torch.cat([model(batch) for batch in images.split(10)])
write(destination, {"logits": logits, "images": images}, {"classes": json.dumps(facts["classes"])})
