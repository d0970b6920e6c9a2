/** How users call a command. */
export { called } from '../called.ts';
