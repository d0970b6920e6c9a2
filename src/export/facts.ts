/** What a file says of its network beside the weights, for programs and for people. */
import type { InputSpec } from '../input-spec.ts';
import { GRAPH_KEY } from '../models/types.ts';
import { CLASSES_KEY } from '../weights/index.ts';
import type { Exportable } from './exportable.ts';

/** Texts by name, as the metadata of safetensors and of ONNX has them; lists and objects are JSON. */
export function metadataOf({ architecture, classes, input, checkpoint }: Exportable): Record<string, string> {
  const { [GRAPH_KEY]: _, ...metadata } = checkpoint.metadata;
  return {
    ...metadata,
    architecture,
    [CLASSES_KEY]: JSON.stringify(classes),
    imageSize: String(input.crop),
    input: JSON.stringify(input),
  };
}

/** The graph of an ONNX file's network, without which its weights tell nothing. */
export const graphOf = ({ net }: Exportable): Record<string, string> =>
  net.graph === undefined ? {} : { [GRAPH_KEY]: net.graph };

/** The file beside a .pth, whose format has no place for it. */
export interface Facts {
  readonly architecture: string;
  /** In the order of the outputs. */
  readonly classes: readonly string[];
  readonly input: InputSpec;
  /** Two lines of Python that load the file, and one that makes its pictures the network's input. */
  readonly load: readonly string[];
  readonly transform: string;
}

/** @param file the name of the .pth */
export function factsOf({ architecture, classes, input }: Exportable, file: string): Facts {
  const module = `torchvision.models.${architecture}(num_classes=${classes.length})`;
  return {
    ...{ architecture, classes, input },
    load: [
      `import torch, torchvision; model = ${module}.eval()`,
      `model.load_state_dict(torch.load(${pythonText(file)}, weights_only=True))`,
    ],
    transform: transformOf(input),
  };
}

function transformOf({ resize, crop, interpolation, mean, std }: InputSpec): string {
  const list = (values: readonly number[]) => `[${values.join(', ')}]`;
  const filter = `torchvision.transforms.InterpolationMode.${interpolation.toUpperCase()}`;
  const steps = [
    `Resize(${resize}, ${filter})`,
    `CenterCrop(${crop})`,
    'ToTensor()',
    `Normalize(${list(mean)}, ${list(std)})`,
  ];
  return `torchvision.transforms.Compose([${steps.map((step) => `torchvision.transforms.${step}`).join(', ')}])`;
}

/** JSON's escapes are Python's, but for characters beyond 16 bits, which JSON leaves as they are. */
const pythonText = (text: string) => JSON.stringify(text);
