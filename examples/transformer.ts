/**
 * A small character transformer: it reads a rhyme, 24 characters at a time, and learns to say the next one.
 *
 *     npx tsx examples/transformer.ts
 */
import {
  AdamW,
  backward,
  crossEntropy,
  Embedding,
  Generator,
  gelu,
  LayerNorm,
  Linear,
  Module,
  noGrad,
  openGpu,
  Sequential,
  scope,
  Tensor,
  where,
} from 'dawngrad';

const STEPS = 300;
const gpu = await openGpu();
const random = new Generator(0);
const TEXT = `how much wood would a woodchuck chuck if a woodchuck could chuck wood?
he would chuck, he would, as much as he could, and chuck as much wood
as a woodchuck would if a woodchuck could chuck wood.
`;
const letters = [...new Set(TEXT)].sort();
const codesOf = (text: string) => Uint32Array.from(text, (letter) => letters.indexOf(letter));
const codes = codesOf(TEXT);
const [BATCH, LENGTH, WIDTH, HEADS] = [8, 24, 32, 4];

/** Each position looks at itself and those before it, in HEADS different ways. */
class Attention extends Module<[x: Tensor, visible: Tensor<'u32'>]> {
  readonly queryKeyValue = this.registerModule('queryKeyValue', new Linear(gpu, WIDTH, 3 * WIDTH, { random }));
  readonly output = this.registerModule('output', new Linear(gpu, WIDTH, WIDTH, { random }));

  /** x [batch, length, WIDTH], visible [length, length] → [batch, length, WIDTH] */
  override forward(x: Tensor, visible: Tensor<'u32'>): Tensor {
    const [batch, length] = x.shape as [number, number, number];
    const split = this.queryKeyValue
      .call(x)
      .reshape([batch, length, 3, HEADS, WIDTH / HEADS])
      .permute([2, 0, 3, 1, 4]);
    const [query, key, value] = [0, 1, 2].map((i) => split.narrow(0, i, 1).squeeze(0)) as [Tensor, Tensor, Tensor];
    const scores = query.matmul(key, { transposeB: true }).div(Math.sqrt(WIDTH / HEADS));
    const shares = where(visible, scores, -Infinity).softmax(-1);
    return this.output.call(shares.matmul(value).transpose(1, 2).reshape([batch, length, WIDTH]));
  }
}

class Block extends Module<[x: Tensor, visible: Tensor<'u32'>]> {
  readonly norm1 = this.registerModule('norm1', new LayerNorm(gpu, WIDTH));
  readonly attention = this.registerModule('attention', new Attention());
  readonly norm2 = this.registerModule('norm2', new LayerNorm(gpu, WIDTH));
  readonly mlp = this.registerModule(
    'mlp',
    new Sequential(new Linear(gpu, WIDTH, 4 * WIDTH, { random }), gelu, new Linear(gpu, 4 * WIDTH, WIDTH, { random })),
  );

  override forward(x: Tensor, visible: Tensor<'u32'>): Tensor {
    const attended = x.add(this.attention.call(this.norm1.call(x), visible));
    return attended.add(this.mlp.call(this.norm2.call(attended)));
  }
}

/** Letters [batch, length] → scores of the next letter [batch, length, letters]. */
class Transformer extends Module<[text: Tensor<'u32'>]> {
  readonly letter = this.registerModule('letter', new Embedding(gpu, letters.length, WIDTH, { random }));
  readonly position = this.registerModule('position', new Embedding(gpu, LENGTH, WIDTH, { random }));
  readonly blocks = [0, 1].map((i) => this.registerModule(`block${i}`, new Block()));
  readonly norm = this.registerModule('norm', new LayerNorm(gpu, WIDTH));
  readonly head = this.registerModule('head', new Linear(gpu, WIDTH, letters.length, { random }));

  override forward(text: Tensor<'u32'>): Tensor {
    const length = text.shape[1]!;
    const places = Tensor.from(
      gpu,
      Uint32Array.from({ length }, (_, i) => i),
    );
    const visible = Tensor.from(
      gpu,
      Uint32Array.from({ length: length ** 2 }, (_, i) => +(i % length <= i / length)),
    );
    let x = this.letter.call(text).add(this.position.call(places));
    for (const block of this.blocks) x = block.call(x, visible.reshape([length, length]));
    return this.head.call(this.norm.call(x));
  }
}

const model = new Transformer();
const optimizer = new AdamW(model.parameters(), { lr: 3e-3 });
for (let step = 0; step < STEPS; step++) {
  const loss = scope(() => {
    const starts = Array.from({ length: BATCH }, () => random.randint(codes.length - LENGTH - 1));
    const windows = (shift: number) =>
      Uint32Array.from(starts.flatMap((start) => [...codes.subarray(start + shift, start + shift + LENGTH)]));
    const scores = model.call(Tensor.from(gpu, windows(0), [BATCH, LENGTH]));
    const result = crossEntropy(scores.reshape([BATCH * LENGTH, letters.length]), Tensor.from(gpu, windows(1)));
    backward(result);
    return result;
  });
  optimizer.step();
  optimizer.zeroGrad();
  if (step < 10 || step % 50 === 0) console.log(`step ${step}: loss ${await loss.item()}`);
  loss.dispose();
}

let said = 'how much wood would';
while (said.length < 120) {
  const seen = Tensor.from(gpu, codesOf(said.slice(-LENGTH))).unsqueeze(0);
  const next = scope(() => noGrad(() => model.call(seen).narrow(1, -1, 1).argmax()));
  said += letters[await next.item()];
}
console.log(said);
gpu.close();
