/** Lets a thread run worker.ts from its source. Used when the package runs from sources, not from a build. */
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
