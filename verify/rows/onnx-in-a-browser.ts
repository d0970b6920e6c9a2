/** The page of examples/onnx-in-a-browser in headless Chromium, with an exported file: its answers beside predict's. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import sharp from 'sharp';
import { hasOnnxruntime, NO_ONNXRUNTIME, onnxruntimeWeb } from '../../test/support/onnxruntime.ts';
import { findChromium } from '../browser/chromium.ts';
import { DevTools } from '../browser/devtools.ts';
import { drawnFolder } from '../drawn-folder.ts';
import { scoresOf, trainBriefly } from '../exported-run.ts';
import { flagsOf, ROOT, runCommand } from '../processes.ts';
import { all, atMost, type Context, type Outcome, type Row, Skipped, scientific } from '../row.ts';

const EXAMPLE = join(ROOT, 'examples/onnx-in-a-browser');
const NET = 'mobilenet_v3_small';
/** Half of them larger than what the network sees, half smaller. */
const PICTURES = 8;
/** The page resizes in floating point, Pillow in whole numbers, so a pixel may differ by one level of 255. */
const BAR = 1e-2;
const TIMEOUT_MS = 60_000;

export const onnxInABrowser: Row = {
  name: 'onnx-in-a-browser',
  title:
    'the page of examples/onnx-in-a-browser with an exported file, in headless Chromium: the classes that predict names',
  minutes: 1,
  ci: true,
  alone: true,
  run: async (context) => {
    const [chromium, runtime] = [findChromium(), onnxruntimeWeb()];
    if ('missing' in chromium) throw new Skipped(chromium.missing);
    if (!runtime || !hasOnnxruntime()) throw new Skipped(NO_ONNXRUNTIME);
    const { run, pictures } = await prepare(context);
    const classes = (await readClasses(run)).classes;
    const expected = await scoresOf(run, pictures);
    const server = await serve(runtime);
    const tools = new DevTools(chromium.program, join(context.scratch, 'profile'));
    try {
      const { port } = server.address() as AddressInfo;
      const page = await Page.open(tools, `http://127.0.0.1:${port}/index.html`);
      const outcomes: Outcome[] = [];
      for (const flags of [[], ['--preprocess', 'uint8', '--half']]) {
        const out = join(run, `${flags.length}.onnx`);
        await runCommand('export', [...flagsOf({ weights: run, out }), ...flags]);
        outcomes.push(...(await compare(page, { out, pictures, expected, classes, flags })));
      }
      return outcomes;
    } finally {
      await tools.close();
      server.close();
      server.closeAllConnections();
    }
  },
};

async function prepare({ scratch }: Context) {
  const data = await drawnFolder(join(scratch, 'drawn'));
  const run = join(scratch, NET);
  await trainBriefly(NET, data, run);
  const classes = readdirSync(join(data, 'val'));
  const pictures: string[] = [];
  for (let i = 0; i < PICTURES; i++) {
    const folder = join(data, 'val', classes[i % classes.length]!);
    const path = join(scratch, `${i}.png`);
    const size = i % 2 === 0 ? { width: 301, height: 200 } : { width: 70, height: 96 };
    await sharp(join(folder, readdirSync(folder).sort()[i]!))
      .resize({ ...size, fit: 'fill' })
      .png()
      .toFile(path);
    pictures.push(path);
  }
  return { run, pictures };
}

const readClasses = async (run: string) =>
  JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as { readonly classes: readonly string[] };

interface Comparison {
  readonly out: string;
  readonly pictures: readonly string[];
  readonly expected: readonly (readonly number[])[];
  readonly classes: readonly string[];
  readonly flags: readonly string[];
}

async function compare(page: Page, { out, pictures, expected, classes, flags }: Comparison): Promise<Outcome[]> {
  await page.choose('model', out);
  const said = await page.answer(/^A |^[^:]*: [\d.]+ %/);
  if (!said) throw new Error(`The page did not read ${out}.`);
  let [same, worst] = [0, 0];
  for (const [i, picture] of pictures.entries()) {
    await page.choose('picture', picture);
    const lines = (await page.answer(/%$/)).split('\n');
    const shares = softmax(expected[i]!);
    const best = shares.indexOf(Math.max(...shares));
    // Names may hold colons: the last is ours.
    const found = new Map(
      lines.map((line) => [
        line.slice(0, line.lastIndexOf(': ')),
        Number.parseFloat(line.slice(line.lastIndexOf(': ') + 2)) / 100,
      ]),
    );
    if (lines[0]!.startsWith(`${classes[best]}: `)) same++;
    for (const [k, name] of classes.entries()) worst = Math.max(worst, Math.abs(shares[k]! - (found.get(name) ?? 1)));
  }
  const what = flags.length > 0 ? `exported with ${flags.join(' ')}` : 'exported';
  return [
    all(`${what}: pictures with predict's top-1`, same, pictures.length),
    atMost(`${what}: probabilities as shown, largest difference`, worst, BAR, scientific),
  ];
}

function softmax(scores: readonly number[]): number[] {
  const shares = scores.map((score) => Math.exp(score - Math.max(...scores)));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

/** The page as a person uses it. */
class Page {
  readonly #tools: DevTools;
  readonly #session: string;

  private constructor(tools: DevTools, session: string) {
    this.#tools = tools;
    this.#session = session;
  }

  static async open(tools: DevTools, url: string): Promise<Page> {
    const { targetId } = await tools.call('Target.createTarget', { url });
    const { sessionId } = await tools.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(tools, sessionId as string);
    await page.#until("document.readyState === 'complete'");
    return page;
  }

  /** Chooses a file, and clears what was said before. */
  async choose(id: string, path: string): Promise<void> {
    await this.#evaluate("document.getElementById('answer').textContent = ''");
    const { result } = (await this.#call('Runtime.evaluate', { expression: `document.getElementById('${id}')` })) as {
      result: { objectId: string };
    };
    await this.#call('DOM.setFileInputFiles', { files: [path], objectId: result.objectId });
  }

  /** What the page says, once it is of this form. @throws Error with what it says instead */
  async answer(form: RegExp): Promise<string> {
    const text = "document.getElementById('answer').textContent";
    await this.#until(`/${form.source}/.test(${text})`, text);
    return this.#evaluate<string>(text);
  }

  async #until(expression: string, otherwise = 'location.href'): Promise<void> {
    for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; ) {
      if (await this.#evaluate<boolean>(expression)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`The page says: ${await this.#evaluate<string>(otherwise)}`);
  }

  async #evaluate<T>(expression: string): Promise<T> {
    const { result } = (await this.#call('Runtime.evaluate', { expression, returnByValue: true })) as {
      result: { value: T };
    };
    return result.value;
  }

  #call(method: string, params: Readonly<Record<string, unknown>>) {
    return this.#tools.call(method, params, this.#session);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.mjs': 'text/javascript', '.wasm': 'application/wasm' },
};
const RUNTIME = '/node_modules/onnxruntime-web/';

/** The example's files, and the runtime where its own installation would have it. */
async function serve(runtime: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = path.startsWith(RUNTIME) ? join(runtime, path.slice(RUNTIME.length)) : join(EXAMPLE, path);
    try {
      const body = readFileSync(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
