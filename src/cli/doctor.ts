/** `npm run doctor`: checks whether this machine can train and says what is missing. */

import { driverFacts } from '../driver/facts.mjs';
import { planDriver } from '../driver/plan.mjs';
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { called } from './called.ts';
import { diagnose } from './doctor/diagnose.ts';
import { examineHost } from './doctor/host.ts';
import { runProbe } from './doctor/run-probe.ts';
import { diagnosisText } from './doctor/text.ts';
import { ADAPTERS, flagHelp, oneOf } from './flags.ts';
import { parseArgs } from './parse-args.ts';
import { type Io, perform, runProgram } from './program.ts';

const HELP = `Usage: ${called('doctor')} [flags]

Shows which adapter dawngrad would use and checks a convolution on it against the known result. If something is wrong,
it says what to install on this system. It changes nothing.

${flagHelp('adapter <kind>', [`which adapter to examine: ${ADAPTERS.join(', ')}`, '(default: high-performance, as for training)'])}
${flagHelp('json', ['print everything as one JSON object'])}
${flagHelp('help', ['print this'], 'h')}

Exit status: 0 an adapter answered and computed correctly, 1 something is wrong, 2 wrong usage.
`;

/**
 * @param argv arguments after the script's name
 * @returns exit status
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'doctor', help: HELP, parse: parseFlags, run }, argv, io);
}

interface DoctorCommand {
  readonly asked: AdapterPreference;
  readonly json: boolean;
}

async function run({ asked, json }: DoctorCommand, { stdout }: Io): Promise<number> {
  const facts = driverFacts();
  const [probe, host] = await Promise.all([runProbe(asked), examineHost()]);
  const diagnosis = diagnose({ host, probe, asked, system: facts.system, plan: planDriver(facts) });
  stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : diagnosisText(diagnosis));
  return diagnosis.good ? 0 : 1;
}

function parseFlags(argv: readonly string[]): DoctorCommand | 'help' {
  let values: { adapter?: string; json?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        adapter: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return 'help';
  const { adapter = 'high-performance', json = false } = values;
  return { asked: oneOf('adapter', adapter, ADAPTERS), json };
}

await runProgram(import.meta.url, 'doctor', main);
