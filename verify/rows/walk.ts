/** A person's walk: messy folder, check, probe, what is wrong, a better model; each command prints what docs/walk.md shows. */
import { type Context, either, type Outcome, type Row } from '../row.ts';
import { difference } from '../walk/document.ts';
import { type Walked, walk } from '../walk/walk.ts';

export const walkRow: Row = {
  name: 'walk',
  title:
    'docs/walk.md: its folder drawn, its commands run, what they print beside what it shows; fewer wrong at its end',
  minutes: 3,
  ci: false,
  run: walkAndCompare,
};

async function walkAndCompare({ scratch, weights }: Context): Promise<Outcome[]> {
  const walked = await walk(scratch, weights, (command) => console.log(`  $ ${command}`));
  const differing = walked.flatMap(({ command, shown, printed }) => {
    const found = difference(shown, printed);
    return found === undefined ? [] : [`${command}\n${found}`];
  });
  for (const text of differing) console.log(`  differs: ${text.replaceAll('\n', '\n    ')}`);
  const [first, ...later] = walked.filter(({ command }) => command.includes(' eval ')).map(wrongOf);
  return [
    {
      what: 'commands that print what the document shows, but for times, the device and last digits',
      figure: `${walked.length - differing.length} of ${walked.length}${differing.length > 0 ? '; `npm run walk` writes it anew' : ''}`,
      bar: 'all',
      holds: differing.length === 0 && walked.length > 0,
    },
    either(
      `wrong of the same new pictures, first and last: ${first}, ${later.at(-1)}`,
      first !== undefined && later.at(-1) !== undefined && later.at(-1)! < first,
      'fewer',
      'not fewer',
    ),
  ];
}

/** `81 of 100 right` */
function wrongOf({ command, printed }: Walked): number {
  const [, right, count] = /(\d+) of (\d+) right/.exec(printed) ?? [];
  if (right === undefined) throw new Error(`${command} printed no accuracy:\n${printed}`);
  return Number(count) - Number(right);
}
