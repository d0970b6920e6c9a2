// @ts-check
/**
 * `node node-side.mjs ENGINE WORK OPENED`: computes under Node what the page computed. ENGINE is a module that exports the engine,
 * WORK the bundled work.ts, OPENED a JSON file that says what device the page had. A process of its own, as a Vulkan driver is
 * chosen once for each. Writes JSON.
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

// It has to stay referenced for as long as the device is used.
const dawn = create([]);
const adapter = await dawn.requestAdapter();
if (!adapter) throw new Error('Dawn finds no adapter.');
const known = /** @type {GPUFeatureName[]} */ (features.filter((feature) => adapter.features.has(feature)));
const device = await adapter.requestDevice({ requiredFeatures: known, requiredLimits: { ...limits } });
const gpu = new engine.Gpu(device, traits);
const computed = await computeAll(engine, gpu);
const { description } = adapter.info;
const missing = features.filter((feature) => !device.features.has(feature));
process.stdout.write(JSON.stringify({ computed, description, missing, dawn: typeof dawn }));
gpu.close();
