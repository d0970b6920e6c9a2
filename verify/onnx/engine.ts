/** The ops of the engine by name. */

import type { Tensor } from '../../src/autograd/index.ts';
import * as all from '../../src/autograd/index.ts';
import { NotExpressible } from './call.ts';

// biome-ignore lint/suspicious/noExplicitAny: until every op is there
type Any = (...args: any[]) => Tensor;
export const ops: Record<string, Any> = new Proxy(all as unknown as Record<string, Any>, {
  get: (target, name: string) => {
    const op = ((globalThis as unknown as { FAKE?: Record<string, Any> }).FAKE ?? target)[name];
    if (!op) throw new NotExpressible(`no ${name} yet`);
    return op;
  },
});
