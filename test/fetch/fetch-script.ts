/** A separate process that fetches: `fetch-script.ts data|weights`, set up by the environment. Prints the path. */
import { tutorialData, tutorialWeights } from '../../src/fetch/index.ts';

const fetchIt = process.argv[2] === 'data' ? tutorialData : tutorialWeights;
const path = await fetchIt({ onProgress: ({ received }) => process.stderr.write(`${received}\n`) });
process.stdout.write(`${path}\n`);
