import { expect } from 'vitest';
import { backward, matmul, Tensor, sizeOf } from '../src/autograd/index.ts';
import { withGpu, openAs } from './support/gpu.ts';
import { Chooser } from '../src/kernels/chooser.ts';
const { gpuTest, gpu } = await withGpu({ poisoned: true });
const r = (s: number[]) => Float32Array.from({ length: sizeOf(s) }, (_, i) => (((i * 7919) % 1013) / 1013) - 0.5);
for (const variant of ['dots', 'tiled', 'rows'] as const)
for (const [M, K, N] of [[1,1,1],[7,65,130],[130,7,65],[64,64,64],[33,600,5],[1,7,65],[65,3000,1]] as const) for (const [B, aB, bB] of [[[],[],[]],[[3],[3],[]],[[3],[],[3]],[[2,3],[2,1],[3]],[[2,3,2],[2,1,2],[1,3,1]]] as number[][][]) for (const tA of [false, true]) for (const tB of [false, true])
  gpuTest(`${variant} ${M} ${K} ${N} ${JSON.stringify([B,aB,bB])} ${tA} ${tB}`, async () => {
    const as = [...aB!, ...(tA ? [K, M] : [M, K])], bs = [...bB!, ...(tB ? [N, K] : [K, N])];
    const av = r(as), bv = r(bs).map((x) => x * 1.5 + 0.1), cs = [...B!, M, N], gv = r(cs).map((x) => 0.2 - x);
    const a = Tensor.from(gpu, av, as), b = Tensor.from(gpu, bv, bs), g = Tensor.from(gpu, gv, cs);
    a.requiresGrad = b.requiresGrad = true;
    const c = gpu.withChooser(new Chooser({ forced: { matmul: variant } }), () => { const c = matmul(a, b, { transposeA: tA, transposeB: tB }); backward(c, g); return c; });
    const ec = new Float64Array(sizeOf(cs)), ea = new Float64Array(av.length), eb = new Float64Array(bv.length);
    const idx = (shape: number[], at: number[]) => shape.reduce((s, e, i) => s * e + (e === 1 ? 0 : at[at.length - shape.length + i]!), 0);
    const nb = sizeOf(B!);
    for (let t = 0; t < nb; t++) { const at: number[] = []; let q = t; for (let i = B!.length - 1; i >= 0; i--) { at.unshift(q % B![i]!); q = Math.floor(q / B![i]!); }
      const ia = idx(aB!, at) * M * K, ib = idx(bB!, at) * K * N, ic = t * M * N;
      for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) { const pa = ia + (tA ? k * M + m : m * K + k), pb = ib + (tB ? n * K + k : k * N + n), pc = ic + m * N + n; ec[pc]! += av[pa]! * bv[pb]!; ea[pa]! += gv[pc]! * bv[pb]!; eb[pb]! += gv[pc]! * av[pa]!; } }
    const worst = (f: Float32Array, e: Float64Array) => f.reduce((w, x, i) => Math.max(w, Number.isFinite(x) ? Math.abs(x - e[i]!) : 1e9), 0);
    expect([worst(await c.data(), ec), worst(await a.grad!.data(), ea), worst(await b.grad!.data(), eb)].map((x) => x < 2e-5 ? 'ok' : x)).toEqual(['ok','ok','ok']);
    for (const t of [a, b, c, g]) t.dispose();
  }, 60000);
