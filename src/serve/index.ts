/** Answers HTTP with a trained network. Other folders import from this file. */
export {
  checkServeNumber,
  DEFAULT_HOST,
  SERVE_MAX_PIXELS,
  SERVE_NUMBERS,
  type ServeNumber,
  type ServeOptions,
} from './options.ts';
export { type Serving, serve } from './server.ts';
