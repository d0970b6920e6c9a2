/**
 * Run by process.test.ts: imports the package, opens devices as the argument says, and prints the effects on the
 * process as one line of JSON. It takes its first snapshot before the package loads, so it imports only types at its
 * top.
 */
import type { OpenOptions } from '../../src/gpu/dawn.ts';

/** A snapshot of the process. */
interface Seen {
  readonly globals: readonly string[];
  readonly env: Record<string, string | undefined>;
}

/** The output of the script. */
export interface Left {
  readonly before: Seen;
  /** Snapshots that differ from `before`, of any turn of the event loop while devices were being opened. */
  readonly during: readonly Seen[];
  readonly after: Seen;
  /** Threads of lavapipe once all devices were open; 0 on other systems and drivers. */
  readonly driverThreads: number;
  readonly adapters: readonly string[];
  readonly errors: readonly string[];
}

export type Scenario = keyof typeof SCENARIOS;

const SCENARIOS = {
  'one device': [{}],
  'two devices at once': [{}, { checks: false }],
  'one after another': [{}],
} satisfies Record<string, readonly OpenOptions[]>;

/** Includes symbols and properties that are not enumerable. */
function look(): Seen {
  return { globals: Reflect.ownKeys(globalThis).map(String).sort(), env: { ...process.env } };
}

async function driverThreads(): Promise<number> {
  const { readdirSync, readFileSync } = await import('node:fs');
  try {
    const names = readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8'));
    return names.filter((name) => name.startsWith('llvmpipe-')).length;
  } catch {
    return 0; // no such folder: not Linux
  }
}

// sharp's native library sets VIPSHOME when it loads, which is not under test.
await import('sharp');
const before = look();
const during: Seen[] = [];
const note = () => {
  const now = look();
  if (JSON.stringify(now) !== JSON.stringify(before)) during.push(now);
};

const { openGpu, relu, Tensor } = await import('../../src/index.ts');
const { planMemory } = await import('../../src/plan/index.ts');
note();
const scenario = (process.argv[2] ?? 'one device') as Scenario;
let waiting = true;
const watch = () => {
  note();
  if (waiting) setImmediate(watch);
};
const opening = SCENARIOS[scenario].map((options) => openGpu(options));
watch();
const settled = await Promise.allSettled(opening);
if (scenario === 'one after another') settled.push(...(await Promise.allSettled([openGpu({ checks: false })])));
waiting = false;

const devices = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
for (const gpu of devices) {
  await relu(Tensor.from(gpu, Float32Array.of(-1, 2), [2])).data();
  // This records on a stand-in device.
  planMemory(gpu.traits, {
    ...{ mode: 'extract', classes: 2, imageSize: 32, batchSize: 2, momentum: 0 },
    pictures: { train: 2, val: 2 },
  });
}
const left: Left = {
  before,
  during,
  after: look(),
  driverThreads: await driverThreads(),
  adapters: devices.map(({ traits }) => traits.description),
  errors: settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).name] : [])),
};
console.log(JSON.stringify(left));
for (const gpu of devices) gpu.close();
