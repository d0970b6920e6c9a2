/**
 * Headless Chromium by its DevTools protocol, over a pipe: pages from files, as a person opens them, without a server and
 * without a package (https://chromedevtools.github.io/devtools-protocol/).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

type Json = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

const CALL_TIMEOUT_MS = 60_000;

/** A running browser. */
export class DevTools {
  readonly #browser: ChildProcess;
  readonly #profile: string;
  readonly #calls = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Set<(message: Message) => void>();
  #next = 1;
  #rest = '';
  #written = '';

  /** @param profile an empty folder; removed at the end */
  constructor(program: string, profile: string) {
    this.#profile = profile;
    // As root, for example in a container, Chromium needs --no-sandbox. The pages are our own.
    const flags = [
      '--headless=new',
      '--no-sandbox',
      `--user-data-dir=${profile}`,
      '--no-first-run',
      '--remote-debugging-pipe',
      '--hide-scrollbars',
      '--force-color-profile=srgb',
    ];
    this.#browser = spawn(program, [...flags, 'about:blank'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#browser.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#written = (this.#written + text).slice(-4000);
    });
    this.#browser.once('close', () => {
      for (const { reject } of this.#calls.values()) reject(new Error(`${program} ended. It wrote:\n${this.#written}`));
      this.#calls.clear();
    });
    (this.#browser.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  /** Calls a method. @throws Error with the browser's message */
  call(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = this.#next++;
    (this.#browser.stdio[3] as Writable).write(
      `${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`,
    );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${method}: no answer in ${CALL_TIMEOUT_MS / 1000} s`)),
        CALL_TIMEOUT_MS,
      );
      const done =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          then(value);
        };
      this.#calls.set(id, { resolve: done(resolve), reject: done(reject) });
    });
  }

  /** Calls the listener with each event. */
  listen(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the browser with all its processes, which are a group. */
  async close(): Promise<void> {
    const { pid, exitCode } = this.#browser;
    const ended = new Promise<void>((resolve) => this.#browser.once('close', () => resolve()));
    if (pid !== undefined && exitCode === null) {
      process.kill(-pid, 'SIGKILL');
      await ended;
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split('\0');
    this.#rest = parts.pop()!;
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      if (message.id === undefined) {
        for (const listener of this.#listeners) listener(message);
        continue;
      }
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.error) call?.reject(new Error(message.error.message));
      else call?.resolve(message.result ?? {});
    }
  }
}

/** How a page is looked at. */
export interface Look {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  readonly scripts: boolean;
}

const HEIGHT = 800;

/** A page of a file, opened without a network. */
export class FilePage {
  readonly #tools: DevTools;
  readonly #target: string;
  readonly #session: string;
  readonly #stop: () => void;
  /** Errors and warnings of the console, exceptions, violations of the policy, and requests beyond the file. */
  readonly complaints: string[] = [];

  private constructor(tools: DevTools, target: string, session: string) {
    this.#tools = tools;
    this.#target = target;
    this.#session = session;
    this.#stop = tools.listen((message) => {
      if (message.sessionId === session) this.#hear(message);
    });
  }

  static async open(tools: DevTools, url: string, { width, scheme, scripts }: Look): Promise<FilePage> {
    const { targetId } = await tools.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await tools.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new FilePage(tools, targetId as string, sessionId as string);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.call(`${domain}.enable`);
    await page.call('Network.emulateNetworkConditions', {
      offline: true,
      latency: 0,
      downloadThroughput: 0,
      uploadThroughput: 0,
    });
    await page.call('Emulation.setDeviceMetricsOverride', {
      width,
      height: HEIGHT,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    // Only a page with the focus takes keys.
    await page.call('Emulation.setFocusEmulationEnabled', { enabled: true });
    await page.call('Emulation.setScriptExecutionDisabled', { value: !scripts });
    const loaded = page.next('Page.loadEventFired');
    await page.call('Page.navigate', { url });
    await loaded;
    // What a test asks of the page needs scripts; the page's own have had their turn, or not.
    await page.call('Emulation.setScriptExecutionDisabled', { value: false });
    return page;
  }

  call(method: string, params: Json = {}): Promise<Json> {
    return this.#tools.call(method, params, this.#session);
  }

  /** The next event of this name. */
  next(method: string): Promise<Json> {
    return new Promise((resolve) => {
      const stop = this.#tools.listen((message) => {
        if (message.sessionId !== this.#session || message.method !== method) return;
        stop();
        resolve(message.params ?? {});
      });
    });
  }

  /** The value of an expression in the page, also a promised one. @throws Error if it throws */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as {
      result: { value?: T; description?: string };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as T;
  }

  /** Presses a key on what has the focus. */
  async press(key: 'Enter' | 'Tab'): Promise<void> {
    const code = { Enter: 13, Tab: 9 }[key];
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' && { text: '\r' }) };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code });
  }

  /** A PNG of the whole page. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    return Buffer.from(data as string, 'base64');
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#tools.call('Target.closeTarget', { targetId: this.#target });
  }

  #hear({ method, params = {} }: Message): void {
    const told = COMPLAINTS[method ?? '']?.(params as never);
    if (told !== undefined) this.complaints.push(told);
  }
}

const COMPLAINTS: Readonly<Record<string, (params: never) => string | undefined>> = {
  'Runtime.exceptionThrown': ({
    exceptionDetails,
  }: {
    exceptionDetails: { text: string; exception?: { description?: string } };
  }) => exceptionDetails.exception?.description ?? exceptionDetails.text,
  'Runtime.consoleAPICalled': ({ type, args }: { type: string; args: { value?: unknown }[] }) =>
    ['error', 'warning', 'assert'].includes(type)
      ? `console.${type}: ${args.map(({ value }) => String(value)).join(' ')}`
      : undefined,
  'Log.entryAdded': ({ entry }: { entry: { level: string; text: string } }) =>
    ['error', 'warning'].includes(entry.level) ? entry.text : undefined,
  'Network.requestWillBeSent': ({ request }: { request: { url: string } }) =>
    /^(?:file|data):/.test(request.url) ? undefined : `a request for ${request.url.slice(0, 200)}`,
};
