/** Public exports of the built-in demo: its pictures and its training settings. */
export { DEMO_CLASSES, DEMO_COUNTS, type DemoCounts, type DemoPicture, drawPictures } from './pictures.ts';
export { DEMO_SETTINGS } from './settings.ts';
export { type DemoOptions, writeDemoPictures } from './write.ts';
