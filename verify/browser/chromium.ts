/** Headless Chromium with its own software driver, SwiftShader, and that driver for other programs. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';

/** Locations of the driver's manifest in Debian's Chromium and Google's Chrome. */
const MANIFESTS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'].map((folder) =>
  join(folder, 'vk_swiftshader_icd.json'),
);

const INSTALL = 'On Debian: apt-get install --no-install-recommends chromium';

/**
 * Variables that make SwiftShader the Vulkan loader's only driver: the newer and the older name.
 * @throws Error if it is not installed
 */
export function swiftShaderOnly(): { readonly VK_DRIVER_FILES: string; readonly VK_ICD_FILENAMES: string } {
  const manifest = MANIFESTS.find((path) => existsSync(path));
  if (manifest) return { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest };
  throw new Error(`SwiftShader is not on this machine: none of ${MANIFESTS.join(', ')} exists. ${INSTALL}`);
}

/** Chromium's program, or the reason why it is missing. */
export function findChromium(): { readonly program: string } | { readonly missing: string } {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const program = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (!program) return { missing: `There is no Chromium on the PATH (${names.join(', ')}). ${INSTALL}` };
  if (!MANIFESTS.some((path) => existsSync(path))) {
    return { missing: `${program} has no SwiftShader: none of ${MANIFESTS.join(', ')} exists. ${INSTALL}` };
  }
  return { program };
}

/** The page may load its script from this server and post to it. It must not turn text into code. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

/**
 * Opens a page that runs a module, and returns the text that the module posts to `/result`.
 * @param options `profile` is an empty folder for the browser's profile
 * @throws Error with the browser's output if the page fails, or posts nothing in time
 */
export async function runInChromium(
  program: string,
  script: string,
  options: { readonly profile: string; readonly timeoutMs: number },
): Promise<string> {
  const { server, result } = await serve(script);
  const { port } = server.address() as AddressInfo;
  const flags = [
    // As root, for example in a container, Chromium needs --no-sandbox. The page is our own.
    ...['--headless=new', '--no-sandbox', `--user-data-dir=${options.profile}`, '--no-first-run'],
    ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  ];
  const browser = spawn(program, [...flags, `http://127.0.0.1:${port}/`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  for (const stream of [browser.stdout, browser.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      written = (written + text).slice(-4000);
    });
  }
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  let timer: NodeJS.Timeout | undefined;
  try {
    const gone = Promise.race([
      new Promise<never>((_, reject) => browser.once('error', reject)),
      ended.then(() => Promise.reject(new Error(`${program} ended before the page posted its result.`))),
      new Promise<never>((_, reject) => {
        const late = () => reject(new Error(`The page posted nothing in ${options.timeoutMs / 1000} s.`));
        timer = setTimeout(late, options.timeoutMs);
      }),
    ]);
    return await Promise.race([result, gone]);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${program} wrote:\n${written}`);
  } finally {
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
    // Ends all its processes, which are a group.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await ended;
    rmSync(options.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Serves the page and its script on loopback, because WebGPU needs a secure origin. */
async function serve(script: string): Promise<{ server: Server; result: Promise<string> }> {
  let resolve: (text: string) => void;
  let reject: (error: Error) => void;
  const result = new Promise<string>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  // Without this, an early failure would be an unhandled rejection.
  result.catch(() => {});
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', POLICY);
    if (request.method === 'POST') {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      request.on('end', () => {
        response.end();
        if (request.url === '/result') resolve(text);
        else reject(new Error(`The page failed: ${text}`));
      });
      return;
    }
    const [type, body] =
      request.url === '/page.js'
        ? ['text/javascript', script]
        : ['text/html', '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>'];
    response.setHeader('content-type', type!);
    response.end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, result };
}
