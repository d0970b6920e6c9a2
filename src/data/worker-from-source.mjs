/** Lets a thread run worker.ts as it stands: used when the package runs from its sources, not when it is built. */
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
