/** Checks that a program uses only what the engine promises. A shrunk program may break the rules. */
import { Graphs } from './graphs.ts';
import { differentiableInputsOf } from './ops/index.ts';
import { type Backward, inputsOf, type Program, type Statement } from './program.ts';

/** The reason why a program is not legal; undefined if it is. */
export function whyIllegal(program: Program): string | undefined {
  const { leaves, can, optimizers } = program;
  const graphs = new Graphs(leaves, can.severalGraphs);
  const alive = new Set(leaves.map(({ name }) => name));
  const missing = (names: readonly string[]) => names.find((name) => !alive.has(name));
  let why: string | undefined;
  const check = (problem: string | false | undefined) => {
    why ??= problem || undefined;
  };
  const need = (...names: string[]) => {
    const name = missing(names);
    check(name !== undefined && `${name} is not alive`);
  };

  const run = (statements: readonly Statement[], recording: boolean): void => {
    for (const statement of statements) one(statement, recording);
  };
  const one = (statement: Statement, recording: boolean): void => {
    switch (statement.do) {
      case 'op': {
        need(...inputsOf(statement.op));
        const used = differentiableInputsOf(statement.op).find((name) => graphs.isUsed(name));
        check(recording && used !== undefined && `${used} is of a graph that was used up`);
        graphs.run([statement], recording);
        alive.add(statement.out);
        return;
      }
      case 'noGrad':
        run(statement.body, false);
        return;
      case 'scope': {
        const before = new Set(alive);
        run(statement.body, recording);
        need(...statement.keep);
        for (const name of alive) if (!before.has(name) && !statement.keep.includes(name)) alive.delete(name);
        return;
      }
      case 'dispose':
        need(statement.tensor);
        alive.delete(statement.tensor);
        return;
      case 'read':
        need(statement.tensor);
        return;
      case 'backward':
        need(statement.loss);
        check(illegalBackward(graphs, statement));
        return;
      case 'requiresGrad':
        if (graphs.isTracked(statement.leaf) !== statement.on) graphs.toggle(statement.leaf, !can.unfreezeBetween);
        return;
      case 'set':
        graphs.change([statement.leaf]);
        return;
      case 'step':
        graphs.change(optimizers[statement.optimizer]!.parameters);
        return;
    }
  };
  run(program.statements, true);
  check([...alive].find((name) => !program.end.includes(name)) && 'something is left at the end');
  return why;
}

function illegalBackward(graphs: Graphs, { loss, retainGraph = false, fails }: Backward): string | undefined {
  switch (fails) {
    case 'untracked':
      return graphs.isTracked(loss) ? `${loss} requires a gradient` : undefined;
    case 'used':
      return graphs.isUsed(loss) && graphs.saves(loss) ? undefined : `the graph of ${loss} is not used up`;
    case 'misshaped':
      return graphs.canGoBack(loss) ? undefined : `backward may not start from ${loss} anyway`;
    case 'changed':
      return graphs.isOutdated(loss) ? undefined : `nothing that ${loss} needs was changed`;
    default:
      if (!graphs.canGoBack(loss)) return `backward may not start from ${loss}`;
      graphs.goBack(loss, retainGraph);
      return undefined;
  }
}
