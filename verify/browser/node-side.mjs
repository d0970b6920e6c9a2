// @ts-check
/**
 * `node node-side.mjs ENGINE WORK OPENED`: does the page's work in Node. ENGINE is a module that exports the engine,
 * WORK the bundled work.ts, and OPENED a JSON file that describes the page's device. It is a separate process, because
 * a process chooses its Vulkan driver only once. Writes JSON.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { create, globals } from 'webgpu';

const [engineFile = '', workFile = '', openedFile = ''] = process.argv.slice(2);
Object.assign(globalThis, globals);
/** @type {typeof import('../../src/engine.ts')} */
const engine = await import(pathToFileURL(engineFile).href);
/** @type {typeof import('./work.ts')} */
const { computeAll } = await import(pathToFileURL(workFile).href);
/** @type {import('./work.ts').Opened} */
const { traits, features, limits } = JSON.parse(readFileSync(openedFile, 'utf8'));

// It must stay referenced while the device is in use.
const dawn = create([]);
const adapter = await dawn.requestAdapter();
if (!adapter) throw new Error('Dawn found no adapter.');
const known = /** @type {GPUFeatureName[]} */ (features.filter((feature) => adapter.features.has(feature)));
const device = await adapter.requestDevice({ requiredFeatures: known, requiredLimits: { ...limits } });
const gpu = new engine.Gpu(device, traits);
const computed = await computeAll(engine, gpu);
const { description } = adapter.info;
const missing = features.filter((feature) => !device.features.has(feature));
process.stdout.write(JSON.stringify({ computed, description, missing, dawn: typeof dawn }));
gpu.close();
