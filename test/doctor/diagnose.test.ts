/** The problems and the advice that the doctor derives from its findings, and their text. */
import { expect, test } from 'vitest';
import { diagnose } from '../../src/cli/doctor/diagnose.ts';
import { byteText, diagnosisText } from '../../src/cli/doctor/text.ts';
import type { Host, Probe } from '../../src/cli/doctor/types.ts';
import { identifySystem } from '../../src/driver/os-release.mjs';
import { planDriver } from '../../src/driver/plan.mjs';
import type { AdapterPreference } from '../../src/gpu/dawn.ts';
import { OS_RELEASE } from '../driver/systems.ts';
import { CHECK, HOST, NOTHING, PROBE } from './findings.ts';

interface Case {
  readonly probe?: Probe;
  readonly host?: Host;
  readonly asked?: AdapterPreference;
  readonly on?: keyof typeof OS_RELEASE;
}

function diagnosis({ probe = PROBE, host = HOST, asked = 'high-performance', on = 'debian13' }: Case) {
  const system = identifySystem('linux', OS_RELEASE[on]);
  const plan = planDriver({ system, root: true, aptGet: true, sources: [], driverVariable: undefined });
  return diagnose({ probe, host, asked, system, plan });
}

test('a good machine has no problems and no advice', () => {
  expect(diagnosis({})).toMatchObject({ good: true, problems: [], advice: [] });
});

test('without an adapter the advice has the commands for this system', () => {
  const { good, problems, advice } = diagnosis({ probe: NOTHING });
  expect({ good, problems }).toEqual({ good: false, problems: ['No WebGPU adapter answers.'] });
  expect(advice.at(-1)).toMatch(/^apt-get update && apt-get install .*mesa-vulkan-drivers/);
  expect(diagnosis({ probe: NOTHING, on: 'arch' }).advice.at(-1)).toMatch(/^sudo pacman/);
});

test('without an adapter of the requested kind the advice names another one', () => {
  const answers = PROBE.answers.map((answer) => (answer.asked === 'software' ? { ...answer, found: null } : answer));
  const probe = { ...PROBE, answers, check: null, failure: 'No software WebGPU adapter was found.' };
  const { problems, advice } = diagnosis({ probe, asked: 'software' });
  expect(problems).toEqual(['No software adapter answers.']);
  expect(advice.join()).toContain('--adapter high-performance (Acme driver 12.3)');
});

test('a crash during the request for adapters is a problem', () => {
  const probe = { ...NOTHING, answers: [], failure: 'the process that asked for adapters was ended by SIGSEGV' };
  const { problems, advice } = diagnosis({ probe });
  expect(problems).toEqual([expect.stringContaining('was ended by SIGSEGV.')]);
  expect(advice.join('\n')).toContain('mesa-vulkan-drivers');
});

test('a driver that crashes or computes wrong results is named, and the way around it', () => {
  const crashed = diagnosis({ probe: { ...PROBE, check: null, failure: 'the process that computed was ended' } });
  const wrong = { ...CHECK, wrong: 3, firstWrong: 'output at 5: 1, should be 2' };
  const miscomputed = diagnosis({ probe: { ...PROBE, check: wrong } });
  expect(crashed.problems).toEqual(['The driver (Acme driver 12.3) failed: the process that computed was ended.']);
  expect(miscomputed.problems).toEqual([
    'The driver (Acme driver 12.3) computes wrong results: 3 of 100 values are wrong, first output at 5: 1, should be 2.',
  ]);
  for (const { good, advice } of [crashed, miscomputed]) {
    expect(good).toBe(false);
    expect(advice[0]).toContain('newest version');
    expect(advice[1]).toContain('--adapter software (llvmpipe: Mesa 25)');
  }
});

test('undecodable pictures are a separate problem', () => {
  const { good, problems, advice } = diagnosis({ host: { ...HOST, picturesFailure: 'Could not load it.' } });
  expect({ good, problems }).toEqual({ good: false, problems: [expect.stringMatching(/sharp.*Could not load it\.$/)] });
  expect(advice).toHaveLength(1);
});

test('the text of a good diagnosis', () => {
  expect(diagnosisText(diagnosis({}), '/home/ada')).toBe(`System       Debian GNU/Linux 13 (trixie), linux-x64
             2 cores, 16.0 GiB of memory, 1.0 GiB free
Versions     dawngrad 1.2.3, Node 22.1.0, webgpu (Dawn) 0.6.2, sharp 0.35.0 with libvips 8.18.0
Adapter      hardware
Driver       Acme driver 12.3
             vendor acme, architecture roadrunner, device 0x1234
Backend      Vulkan
Features     used: subgroups (of 8 to 32 invocations), no timestamp-query
             others: shader-f16
Limits       maxBufferSize                      4.0 GiB
             maxComputeInvocationsPerWorkgroup  1,024
Adapters     high-performance  Acme driver 12.3 (examined here)
             low-power         the same as high-performance
             software          llvmpipe: Mesa 25
Kernels      tiled: conv2d forward, conv2d inputGrad
             rows: conv2d weightGrad
Check        convolution of something: all 100 values correct (1.2 s, including compilation)
Pictures     can be decoded
Caches       downloads: ~/.cache/dawngrad, not there yet
             compiled shaders: /var/cache/mesa, 3.0 MiB

All good: dawngrad can train here.
`);
});

test('the text of a bad diagnosis ends with the problems, the messages of the driver, and the advice', () => {
  const host = { ...HOST, variables: ['VK_DRIVER_FILES=/x'], memory: { ...HOST.memory, limit: 2 ** 29 } };
  const text = diagnosisText(diagnosis({ probe: NOTHING, host }));
  expect(text).toContain('1.0 GiB free, of which this process may use 512.0 MiB\n');
  expect(text).toContain('Check        did not run\n');
  expect(text).toContain('Variables    VK_DRIVER_FILES=/x\n');
  expect(text).toMatch(
    /\n\nNo WebGPU adapter answers\.\nMessages on stderr:\n {2}Found no drivers!\n\nWhat to do:\n {2}Debian .*\n {2}apt-get .*\n$/,
  );
});

test('bytes are shown in a suitable unit', () => {
  expect([0, 1023, 1024, 2 ** 31].map(byteText)).toEqual(['0 bytes', '1023 bytes', '1.0 KiB', '2.0 GiB']);
});
