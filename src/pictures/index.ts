/** Pictures for people: of a run, and of predictions. The room's door: other folders import from here. */
export { annotatePicture } from './annotate.ts';
