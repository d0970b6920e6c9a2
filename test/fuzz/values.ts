/**
 * The values of a program's leaves, of later changes to them, and of seed gradients. They are drawn here for both
 * sides.
 */
import { counterNoise } from '../../src/autograd/gradcheck.ts';
import { sizeOf } from '../../src/autograd/index.ts';
import { type Distribution, type Leaf, type Program, walk } from './program.ts';

export type Values = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** After so many draws near a kink, values that are never equal replace whole numbers and zeros. */
export const PLAIN_AFTER = 2;

/** All values by name: `x0` for the start of a leaf, `draw 3` for the draw of a statement. */
export function valuesOf(program: Program): Map<string, Values> {
  const values = new Map<string, Values>();
  const leaves = new Map(program.leaves.map((leaf) => [leaf.name, leaf]));
  const draw = (name: string, shape: readonly number[], distribution: Distribution) =>
    values.set(name, drawn(sizeOf(shape), distribution, program, name));
  for (const { name, shape, values: distribution } of program.leaves) draw(name, shape, distribution);
  for (const statement of walk(program.statements)) {
    if (statement.do === 'set') {
      const { shape, values: distribution } = leaves.get(statement.leaf)!;
      draw(drawName(statement.draw), shape, distribution);
    } else if (statement.do === 'setGrad') {
      draw(drawName(statement.draw), leaves.get(statement.leaf)!.shape, GRADIENT);
    } else if (statement.do === 'backward' && statement.draw !== undefined) {
      draw(drawName(statement.draw), statement.shape!, GRADIENT);
    }
  }
  return values;
}

/** Whether some values may be exactly 0 or equal, where ops have kinks. */
export function meetsKinks({ redraw, leaves }: Program): boolean {
  return redraw < PLAIN_AFTER && leaves.some(({ values }) => values.kind === 'integers' || values.kind === 'sparse');
}

export const drawName = (draw: number) => `draw ${draw}`;
export const isLabels = ({ values }: Leaf) => values.kind === 'labels';

const GRADIENT: Distribution = { kind: 'uniform', low: -1, high: 1 };

function drawn(size: number, distribution: Distribution, { seed, redraw }: Program, name: string): Values {
  const random = counterNoise(hash(`${seed} ${redraw} ${name}`));
  if (distribution.kind === 'labels') return Uint32Array.from({ length: size }, () => random() * distribution.classes);
  const { kind } = redraw < PLAIN_AFTER ? distribution : { kind: 'uniform' };
  const { low, high } = distribution.kind === 'uniform' ? distribution : { low: -2, high: 2 };
  return Float32Array.from({ length: size }, () => {
    if (kind === 'integers') return Math.floor(5 * random()) - 2;
    if (kind === 'sparse' && random() < 2 / 3) return 0;
    return low + (high - low) * random();
  });
}

/** FNV-1a, a hash of 32 bits. */
function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (const character of text) bits = Math.imul(bits ^ character.codePointAt(0)!, 0x01000193);
  return bits >>> 0;
}
