/** The style of all pages: one sheet, light and dark, from a telephone to paper. It holds no text from files. */
import { HEAT_COLOURS } from '../pictures/index.ts';

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --raised: #f4f6f8; --ink: #1a1f26; --quiet: #545d68; --line: #d3d9e0; --grid: #e4e8ec;
  --link: #0b4f9e; --val: #0b4f9e; --train: #a85a00; --right: #0b4f9e; --wrong: #b03a00; --band: #9dc3f0; --focus: #0b4f9e;
  --run1: #0b4f9e; --run2: #a85a00; --run3: #00705a; --run4: #9a2f73; --run5: #5b4bb8; --run6: #5f6b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --raised: #1d232a; --ink: #e8ebef; --quiet: #a6b0bb; --line: #3a444f; --grid: #2a323b;
    --link: #8dbdff; --val: #8dbdff; --train: #f2b05e; --right: #8dbdff; --wrong: #ff9d6b; --band: #2f5f99; --focus: #8dbdff;
    --run1: #8dbdff; --run2: #f2b05e; --run3: #5fd0b0; --run4: #f09acb; --run5: #b8adff; --run6: #d3d66a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 3.5rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: .5rem; z-index: 2; background: var(--paper); padding: .5rem .75rem; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
a { color: var(--link); text-underline-offset: .15em; }
.head, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1rem; }
.head { padding-top: 2rem; }
.kicker { margin: 0; color: var(--quiet); font-size: .875rem; }
h1 { font-size: clamp(1.75rem, 1.2rem + 2.6vw, 2.75rem); line-height: 1.15; margin: .25rem 0 .75rem; letter-spacing: -.015em; text-wrap: balance; overflow-wrap: anywhere; }
.score { color: var(--right); font-variant-numeric: tabular-nums; white-space: nowrap; }
.lead { font-size: 1.125rem; max-width: 42rem; margin: 0 0 1rem; }
h2 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; }
section { padding: 2rem 0; border-top: 1px solid var(--line); }
section > p { max-width: 46rem; }
.quiet { color: var(--quiet); font-size: .9375rem; }
.interval { max-width: 42rem; margin: 0 0 1.25rem; }
.interval svg { display: block; width: 100%; height: 1.25rem; }
.track { fill: var(--grid); } .band { fill: var(--band); } .mark { fill: var(--ink); }
.ends { display: flex; justify-content: space-between; margin: .1rem 0 0; color: var(--quiet); font-size: .8125rem; }
.notes { list-style: none; padding: 0; margin: 0 0 1.25rem; max-width: 46rem; }
.notes li { padding: .6rem .85rem; border-left: 4px solid var(--wrong); background: var(--raised); margin-bottom: .4rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem 1.5rem; margin: 0 0 1.75rem; }
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; }
.figures b { display: block; font-size: 1.375rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.figures span { color: var(--quiet); font-size: .8125rem; line-height: 1.35; display: block; }
nav { position: sticky; top: 0; z-index: 1; background: var(--paper); border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
nav ul { display: flex; gap: .25rem 1.25rem; max-width: 68rem; margin: 0 auto; padding: .55rem 1rem; list-style: none; overflow-x: auto; white-space: nowrap; font-size: .9375rem; }
nav + main section:first-child { border-top: 0; }
.worst { padding-left: 1.2rem; }
.scale { display: flex; align-items: center; gap: .6rem; font-size: .8125rem; color: var(--quiet); margin: .5rem 0 1rem; }
.ramp { flex: 0 1 9rem; height: .6rem; border-radius: .3rem; background: linear-gradient(90deg, ${HEAT_COLOURS.join(', ')}); }
.sorts { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem; margin: 0 0 1rem; font-size: .875rem; color: var(--quiet); }
.sorts[hidden] { display: none; }
.sorts button { font: inherit; color: var(--ink); background: var(--raised); border: 1px solid var(--line); border-radius: 2rem; padding: .3rem .8rem; min-height: 2rem; cursor: pointer; }
.sorts button[aria-pressed="true"] { background: var(--ink); color: var(--paper); border-color: var(--ink); }
.cards { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1rem; }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: .85rem; background: var(--raised); display: flex; flex-direction: column; min-width: 0; }
.card h3 { margin: 0 0 .6rem; font-size: 1rem; line-height: 1.35; overflow-wrap: anywhere; }
.taken { font-weight: 400; color: var(--quiet); }
.looks { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; margin-bottom: .6rem; }
.looks.alone { grid-template-columns: minmax(0, 60%); }
.looks.several { grid-template-columns: repeat(auto-fill, minmax(5.25rem, 1fr)); }
.looks figcaption { overflow-wrap: anywhere; line-height: 1.35; }
.looks figure { margin: 0; }
.looks img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: .35rem; background: var(--grid); }
figcaption { color: var(--quiet); font-size: .8125rem; margin-top: .2rem; }
.likely { list-style: none; margin: 0; padding: 0; font-size: .875rem; }
.likely li { display: grid; grid-template-columns: 1fr auto; gap: 0 .6rem; margin-bottom: .3rem; }
.likely span { overflow-wrap: anywhere; min-width: 0; }
.likely b { font-variant-numeric: tabular-nums; font-weight: 600; }
.likely em { font-style: normal; color: var(--right); font-weight: 600; white-space: nowrap; }
.bar { display: block; width: 100%; height: .3rem; grid-column: 1 / -1; border-radius: .15rem; }
td .bar { min-width: 4rem; margin-top: .15rem; }
.fill { fill: var(--quiet); } .likely .answer .fill { fill: var(--wrong); } .likely .right .fill { fill: var(--right); }
.file { margin: auto 0 0; padding-top: .4rem; color: var(--quiet); font-size: .8125rem; overflow-wrap: anywhere; }
.box.fit { width: fit-content; }
.box { overflow-x: auto; max-width: 100%; margin: .75rem 0; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .75rem; text-align: start; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--raised); font-weight: 600; white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 7rem; max-width: 22rem; overflow-wrap: anywhere; }
.number { text-align: end; white-space: nowrap; }
.pairs th { color: var(--quiet); font-weight: 400; width: 40%; }
.pairs td { overflow-wrap: anywhere; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: .15rem 0; margin: 0; min-height: 1.5rem; cursor: pointer; text-align: inherit; white-space: nowrap; }
th button::after { content: " ↕"; color: var(--quiet); font-weight: 400; }
th[aria-sort="ascending"] button::after { content: " ↑"; color: inherit; }
th[aria-sort="descending"] button::after { content: " ↓"; color: inherit; }
.matrix { width: auto; }
.matrix td { text-align: center; min-width: 3.2rem; border: 1px solid var(--line); }
.matrix thead th { max-width: 9rem; white-space: normal; overflow-wrap: anywhere; min-width: 3.2rem; text-align: center; }
.matrix thead tr:first-child th { font-weight: 400; color: var(--quiet); }
.matrix thead tr:first-child td { background: var(--raised); border: 0; }
.matrix tbody th, .matrix thead tr + tr th:first-child { position: sticky; left: 0; background: var(--raised); min-width: 5rem; max-width: 9rem; text-align: start; }
.matrix .s0 { color: var(--quiet); }
${shades('hit', '--right')}
${shades('miss', '--wrong')}
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .6rem; color: var(--quiet); font-size: .9375rem; }
.swatch { flex: none; margin-left: .4rem; } .legend .swatch:first-child { margin-left: 0; }
.line-train { stroke: var(--train); } .line-val { stroke: var(--val); }
${[1, 2, 3, 4, 5, 6].map((n) => `.line-run${n} { stroke: var(--run${n}); }`).join(' ')}
.ring { width: .9rem; height: .9rem; border: 2px solid var(--ink); border-radius: 50%; margin-left: .4rem; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1.5rem; margin: 1rem 0; }
.curves figure { margin: 0; max-width: 32rem; }
.curves figcaption { font-weight: 600; color: var(--ink); font-size: .9375rem; }
.curves svg { display: block; width: 100%; height: auto; overflow: visible; }
.axis { text-align: center; color: var(--quiet); font-size: .8125rem; margin: -.4rem 0 0; }
details { margin: .75rem 0; }
summary { cursor: pointer; padding: .35rem 0; color: var(--link); overflow-wrap: anywhere; }
pre { margin: 0; padding: .75rem .9rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: .5rem; font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { color: var(--quiet); font-size: .875rem; padding-bottom: 3rem; border-top: 1px solid var(--line); padding-top: 1.25rem; }
.verdict { font-weight: 600; } .ok { color: var(--right); } .no { color: var(--wrong); }
.run { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-inline-end: .35rem; vertical-align: -.05rem; }
${[1, 2, 3, 4, 5, 6].map((n) => `.run${n} { background: var(--run${n}); }`).join(' ')}
@page { margin: 14mm; }
@media print {
  :root { --paper: #fff; --raised: #fff; --ink: #000; --quiet: #444; --line: #bbb; --grid: #ddd; --link: #000; --val: #0b4f9e; --train: #a85a00; --right: #0b4f9e; --wrong: #b03a00; --band: #9dc3f0; color-scheme: light; }
  nav, .skip, .sorts, details:not([open]) { display: none; }
  body { font-size: 9.5pt; }
  .head, main, footer { padding: 0; }
  .lead { font-size: 12pt; }
  section { padding: 1rem 0; }
  .figures { grid-template-columns: repeat(5, 1fr); gap: .75rem; }
  .figures b { font-size: 13pt; }
  .card, .box, .curves, figure, tr, pre, .notes li { break-inside: avoid; }
  .box:has(.pairs) { break-inside: auto; -webkit-box-decoration-break: clone; box-decoration-break: clone; }
  section > p { break-inside: avoid; }
  h2, h3, section > p { break-after: avoid; }
  .cards { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .5rem; }
  .card { padding: .5rem; font-size: 8pt; line-height: 1.3; }
  .card h3, .likely { font-size: 8pt; margin: 0 0 .3rem; }
  .likely li { margin-bottom: .15rem; gap: 0 .3rem; }
  .file, figcaption { font-size: 7pt; line-height: 1.25; }
  .looks { gap: .3rem; margin-bottom: .3rem; }
  .looks.several { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .box, pre { overflow: visible; }
  .matrix tbody th, .matrix thead tr + tr th:first-child { position: static; }
  th, td { padding: .25rem .5rem; }
  table { font-size: 9pt; }
  pre { white-space: pre-wrap; }
  th button::after { content: none; }
  .ramp, .matrix td, .run, .card img { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;

/** Backgrounds of the matrix, from pale to strong; pale enough for the text on them. */
function shades(name: string, colour: string): string {
  return Array.from({ length: 8 }, (_, i) => {
    const share = 6 + i * 4;
    return `.matrix .${name}.s${i + 1} { background: color-mix(in srgb, var(${colour}) ${share}%, var(--paper)); font-weight: 600; }`;
  }).join('\n');
}
