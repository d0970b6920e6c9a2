/** report.html of a small run, and a comparison of two, in Chromium: from files, offline, on a telephone and a desk, light and dark. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium } from '../browser/chromium.ts';
import { DevTools, FilePage, type Look } from '../browser/devtools.ts';
import { drawnFolder } from '../drawn-folder.ts';
import { runCommand } from '../processes.ts';
import { all, atLeast, atMost, type Context, either, type Outcome, type Row, Skipped } from '../row.ts';

const WIDTHS = [360, 1280];
const SCHEMES = ['light', 'dark'] as const;
const LOOKS: readonly Look[] = WIDTHS.flatMap((width) =>
  SCHEMES.flatMap((scheme) => [true, false].map((scripts) => ({ width, scheme, scripts }))),
);

export const reportRow: Row = {
  name: 'report',
  title:
    'report.html of a run and a comparison in Chromium: 360 and 1280 px, light and dark, offline, with and without scripts',
  minutes: 2,
  ci: true,
  alone: true,
  run: async (context) => {
    const chromium = findChromium();
    if ('missing' in chromium) throw new Skipped(chromium.missing);
    const pages = await writePages(context);
    const tools = new DevTools(chromium.program, join(context.scratch, 'profile'));
    try {
      const outcomes: Outcome[] = [];
      for (const name of ['report', 'compare'] as const)
        outcomes.push(...(await lookAt(tools, context, name, pages[name])));
      return [...outcomes, sameReport(pages), timedKernels(pages), ...heatsOfBoth(pages)];
    } finally {
      await tools.close();
    }
  },
};

type Pages = Readonly<Record<'report' | 'compare' | 'again', string>>;

/** Two runs by the real commands, on pictures with names that are hard to show; both make mistakes. */
async function writePages({ scratch }: Context): Promise<Pages> {
  const data = await drawnFolder(join(scratch, 'data'));
  const [a, b] = [join(scratch, 'runs/a'), join(scratch, 'runs/b')];
  const flags = [
    '--data',
    data,
    '--weights',
    'none',
    '--image-size',
    '64',
    '--batch-size',
    '8',
    '--no-tune',
    '--adapter',
    'software',
  ];
  await runCommand('train', [...flags, '--epochs', '3', '--lr', '0.003', '--out', a]);
  await runCommand('train', [...flags, '--epochs', '2', '--lr', '0.01', '--seed', '1', '--out', b]);
  const [compare, again] = [join(scratch, 'compare.html'), join(scratch, 'again.html')];
  await runCommand('report', [a, b, '--out', compare]);
  await runCommand('report', [a, '--out', again]);
  return { report: join(a, 'report.html'), compare, again };
}

/** The command finds the same mistakes, with as many pictures and heat maps, as the run's own end did. */
function sameReport({ report, again }: Pages): Outcome {
  const [first, second] = [report, again].map((path) => {
    const text = readFileSync(path, 'utf8');
    return [text.match(/data:image\/jpeg/g)?.length ?? 0, text.match(/<li class="card"/g)?.length ?? 0].join(' in ');
  });
  return {
    what: 'pictures and cards of the report that the command writes anew',
    figure: second!,
    bar: `${first}, as at the run's end`,
    holds: first === second && !second!.startsWith('0'),
  };
}

/** A kind of work for each row of the table. */
function timedKernels({ report }: Pages): Outcome {
  const text = readFileSync(report, 'utf8');
  const rows =
    text.match(/Table: Share of each kind of work.*?<\/table>/s)?.[0].match(/<th scope="row">/g)?.length ?? 0;
  return atLeast('kinds of work with their share of a training step', rows, 8, String);
}

/** Each disputed picture stands beside where each of the two runs looked. */
function heatsOfBoth({ compare }: Pages): Outcome[] {
  const text = readFileSync(compare, 'utf8');
  const disputed = text.match(/<li class="card">/g)?.length ?? 0;
  const heats = text.match(/alt="The same picture; bright where/g)?.length ?? 0;
  return [
    atLeast(`compare: heat maps beside ${disputed} pictures on which the runs disagree`, heats, disputed + 1, String),
    atMost('compare: bytes', text.length, 5_000_000, String),
  ];
}

async function lookAt(tools: DevTools, { screenshots }: Context, name: string, path: string): Promise<Outcome[]> {
  const text = readFileSync(path, 'utf8');
  // A comparison has nothing to sort.
  const sorts = text.includes('data-sorts="');
  const complaints: string[] = [];
  const wide: string[] = [];
  const violations = new Set<string>();
  let sorted = 0;
  let unloaded = 0;
  for (const look of LOOKS) {
    const page = await FilePage.open(tools, pathToFileURL(resolve(path)).href, look);
    const where = `${name}-${look.width}-${look.scheme}${look.scripts ? '' : '-no-script'}`;
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    if (overflow > 0) wide.push(`${where} by ${overflow} px`);
    unloaded += await page.evaluate<number>(
      '[...document.images].filter(({ naturalWidth }) => naturalWidth === 0).length',
    );
    await openDetails(page);
    for (const found of await axeViolations(page)) violations.add(found);
    if (look.scripts && sorts) sorted += await sortsByKeyboard(page);
    if (screenshots !== undefined) {
      mkdirSync(screenshots, { recursive: true });
      writeFileSync(join(screenshots, `${where}.png`), await page.screenshot());
    }
    complaints.push(...page.complaints.map((one) => `${where}: ${one}`));
    await page.close();
  }
  const scripted = LOOKS.filter(({ scripts }) => scripts).length;
  const kib = (text.length / 1024).toFixed(0);
  return [
    none(`${name} (${kib} KiB), errors, warnings and requests in ${LOOKS.length} looks`, complaints),
    none(`${name}: what axe finds`, [...violations]),
    none(`${name}: wider than the window`, wide),
    {
      what: `${name}: pictures that did not load`,
      figure: `${unloaded}`,
      bar: '0',
      holds: unloaded === 0 && text.includes('src="data:image/jpeg'),
    },
    ...(name === 'compare' ? [] : [all(`${name}: looks in which the keyboard sorts`, sorted, scripted)]),
    either(
      `${name}: addresses and paths of this machine`,
      !/https?:\/\/(?!www\.w3\.org\/)|\/(?:home|root|tmp|Users)\//.test(text),
      'none',
      'some',
    ),
  ];
}

function none(what: string, found: readonly string[]): Outcome {
  return {
    what,
    figure: found.length === 0 ? 'none' : found.slice(0, 8).join('; '),
    bar: 'none',
    holds: found.length === 0,
  };
}

function openDetails(page: FilePage): Promise<void> {
  return page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Rules that the page breaks, each with its first element. */
async function axeViolations(page: FilePage): Promise<string[]> {
  await page.evaluate(`${AXE}; undefined`);
  return page.evaluate<string[]>(
    `axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, help, nodes }) => id + ': ' + help + ' (' + nodes.length + ', first ' + nodes[0].html.slice(0, 160) + ')'))`,
  );
}

/** Reaches buttons that sort, presses them, and asks whether the order is as they say. @returns 1 if so */
async function sortsByKeyboard(page: FilePage): Promise<number> {
  const pressed = async (button: string, items: string, inOrder: string) => {
    const read = () =>
      page.evaluate<string[]>(`[...document.querySelectorAll('${items}')].map((one) => one.${inOrder})`);
    await page.evaluate(`document.querySelector('${button}').focus()`);
    await page.press('Enter');
    return read();
  };
  const { compare } = new Intl.Collator('en', { numeric: true });
  const files = await pressed('[data-key="file"]', '.cards > li', 'dataset.file');
  const right = await pressed('#classes th:nth-child(3) button', '#classes tbody td:nth-child(3)', 'dataset.value');
  const rising = (values: readonly string[], order: (a: string, b: string) => number) =>
    values.length > 1 && values.every((value, i) => i === 0 || order(values[i - 1]!, value) <= 0);
  return rising(files, compare) && rising(right, (a, b) => Number(a) - Number(b)) ? 1 : 0;
}
