import { makeCase } from './test/fuzz/checkpoints/mutate.ts';
import { readSeeds } from './test/fuzz/checkpoints/seeds.ts';
import { examineOnnx } from './test/fuzz/checkpoints/examine.ts';
const seeds = readSeeds();
let n = 0, read = 0; const fails = new Map<string, number>();
for (let i = 0; i < 60000 && n < 8000; i++) {
  let made;
  try { made = makeCase(seeds, 1, i); } catch (e) { console.log(i, 'make', (e as Error).stack!.split('\n').slice(0, 3).join(' | ')); fails.set('make', 1 + (fails.get('make') ?? 0)); if (fails.get('make')! > 5) break; continue; }
  if (!made.name.endsWith('.onnx')) continue;
  n++;
  try { const out = await examineOnnx('case.onnx', made.bytes); if (out.tensors) read++; if (out.failure) { const k = out.failure.slice(0, 300); fails.set(k, 1 + (fails.get(k) ?? 0)); } } catch (e) { console.log(i, 'threw', (e as Error).stack!.split('\n').slice(0, 6).join(' | ')); }
}
console.log(n, read, [...fails].slice(0, 12));
