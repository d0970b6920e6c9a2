/** Mutations of ONNX files: of their messages, which are then written again, or of their bytes. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { type Choices, EDGES, mutateBytes, NAMES } from './random.ts';

const OPS: readonly string[] = [
  'Conv',
  'Identity',
  'Constant',
  'Gemm',
  'Transpose',
  'Cast',
  'BatchNormalization',
  'Loop',
];
/** How often the bytes are changed instead of the messages. */
const RAW = 0.3;

export function mutateOnnx(bytes: Buffer, choices: Choices): Buffer {
  if (choices.chance(RAW)) return mutateBytes(bytes, choices);
  const model = fromBinary(ModelProtoSchema, bytes);
  do mutateModel(model, choices);
  while (choices.chance(0.6));
  return Buffer.from(toBinary(ModelProtoSchema, model));
}

function mutateModel(model: ModelProto, choices: Choices): void {
  const graph = model.graph!;
  const node = () => choices.pick(graph.node);
  const tensor = () => choices.pick(graph.initializer);
  const name = () =>
    choices.pick([...graph.node.flatMap(({ output }) => output), ...graph.initializer.map((one) => one.name), '']);
  const edge = () => BigInt.asIntN(64, BigInt(choices.pick(EDGES)));
  const mutations: readonly (() => void)[] = [
    () => graph.node.splice(choices.below(graph.node.length), 1),
    () => graph.node.reverse(),
    () => graph.node.push(node()),
    () => {
      node().opType = choices.pick([...OPS, ...NAMES]);
    },
    () => {
      const { input } = node();
      input[choices.below(input.length)] = name();
    },
    () => {
      node().output[0] = name();
    },
    () => {
      node().name = choices.pick([...NAMES, 'fc', '/fc/Gemm', 'a/'.repeat(1000)]);
    },
    () => {
      tensor().name = choices.pick([...NAMES, 'a..b', '.', 'a.'.repeat(1000), name()]);
    },
    () => {
      const { dims } = tensor();
      dims[choices.below(dims.length)] = edge();
    },
    () => {
      tensor().dataType = choices.below(20);
    },
    () => {
      tensor().rawData = tensor().rawData.subarray(choices.below(9));
    },
    () => graph.initializer.splice(choices.below(graph.initializer.length), 1),
    () => graph.initializer.push(tensor()),
    () => graph.input.splice(0, 1),
    () => graph.output.splice(0, 1),
    () => {
      model.opsetImport[0]!.version = edge();
    },
    () => {
      const attribute = choices.pick(node().attribute);
      if (attribute) Object.assign(attribute, { type: choices.below(15), i: edge(), ints: [edge(), edge()] });
    },
  ];
  if (graph.node.length > 0 && graph.initializer.length > 0 && model.opsetImport.length > 0) choices.pick(mutations)();
}
