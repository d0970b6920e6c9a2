/** Lets a thread run save-worker.ts from its source. Used when the package runs from sources, not from a build. */
import { register } from 'tsx/esm/api';

register();
await import('./save-worker.ts');
