/**
 * `node --import …/faults.mjs`: a fault at one call of the file system. The variable DAWNGRAD_FAULT says which:
 * `kill:main:7` kills the process before the main thread's seventh call that changes a file; `full:thread:2` fills the
 * disk from the saving thread's second write on. `count::PATH` only counts, into PATH-main.json and
 * PATH-thread.json.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const [kind, thread, place] = (process.env.DAWNGRAD_FAULT ?? '').split(':');
const own = isMainThread ? 'main' : 'thread';
const counts = { changes: 0, writes: 0 };

/** Runs before each call; `writes` tells those that need room on the disk. @param {string} name @param {boolean} writes */
function before(name, writes) {
  counts.changes++;
  if (writes) counts.writes++;
  // At each call, because a thread that is terminated runs nothing at its end.
  if (kind === 'count') fs.writeFileSync(`${place}-${own}.json`, JSON.stringify(counts));
  if (thread !== own) return;
  if (kind === 'kill' && counts.changes === Number(place)) process.kill(process.pid, 'SIGKILL');
  if (kind === 'full' && writes && counts.writes >= Number(place)) {
    throw Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: 'ENOSPC', syscall: name });
  }
}

/** Only files of a run: Node and the driver open others. */
const ours = (/** @type {unknown} */ argument) =>
  typeof argument !== 'string' || argument.startsWith(process.env.DAWNGRAD_FAULT_FOLDER ?? '');

const calls = /** @type {Record<string, Function>} */ (/** @type {unknown} */ (fs));

for (const [name, writes] of /** @type {const} */ ([
  ['writeSync', true],
  ['mkdirSync', true],
  ['openSync', false],
  ['fsyncSync', false],
  ['renameSync', false],
  ['rmSync', false],
])) {
  const original = /** @type {Function} */ (calls[name]);
  calls[name] = (/** @type {unknown[]} */ ...args) => {
    const changes = name !== 'openSync' || args[1] === 'wx';
    if (changes && ours(args[0]) && args[0] !== 1 && args[0] !== 2) before(name, writes);
    return original(...args);
  };
}
syncBuiltinESMExports();
