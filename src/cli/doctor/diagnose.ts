/** Derives the problems, and the advice for them, from the findings. Pure. */
import type { Plan, System } from '../../driver/plan.mjs';
import { adviceLines } from '../../driver/plan.mjs';
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { Diagnosis, Host, Probe } from './types.ts';

export interface Findings {
  readonly host: Host;
  readonly probe: Probe;
  readonly asked: AdapterPreference;
  /** This system, and the plan that would give it an adapter. */
  readonly system: System;
  readonly plan: Plan;
}

export function diagnose({ host, probe, asked, system, plan }: Findings): Diagnosis {
  const problems: string[] = [];
  const advice: string[] = [];
  const { check } = probe;
  const answered = probe.answers.some(({ found }) => found);
  const adapter = probe.answers.find((answer) => answer.asked === asked)?.found;
  const driver = adapter ? `The driver (${adapter.description || adapter.device})` : 'The driver';

  if (!adapter && probe.answers.length > 0) {
    problems.push(answered ? `No ${asked} adapter answers.` : 'No WebGPU adapter answers.');
  } else if (probe.failure) {
    problems.push(`${adapter ? driver : 'Asking for a WebGPU adapter'} failed: ${probe.failure}.`);
  } else if (check && check.wrong > 0) {
    const { wrong, values, firstWrong } = check;
    problems.push(`${driver} computes wrong results: ${wrong} of ${values} values are wrong, first ${firstWrong}.`);
  }
  if (problems.length > 0) {
    if (adapter) advice.push('Install the newest version of this driver and run this again.');
    const other = probe.answers.find(({ found }) => found && (!adapter || found.description !== adapter.description));
    if (other)
      advice.push(`Until then, another adapter may work: --adapter ${other.asked} (${other.found?.description}).`);
    else advice.push(...adviceLines(system, plan));
  }
  if (host.picturesFailure) {
    problems.push(`Pictures cannot be decoded: the package sharp does not load. ${host.picturesFailure}`);
    advice.push('Reinstall the packages on this machine (`npm ci`, or `npm install --include=optional sharp`).');
  }
  return { good: problems.length === 0 && check !== null, host, probe, asked, problems, advice };
}
