/** A page about a run, or about several beside each other, as one HTML file. Other folders import from this file. */
export type { Counts } from './data.ts';
export { type OpenEyes, openEyes, openReader } from './eyes.ts';
export type { KernelTime, KernelTimes } from './kernel-times.ts';
export { RECORD_FILES, type RunRecord, readRun } from './run-record.ts';
export type { Eyes, Network } from './views.ts';
export { comparisonOf, type ReportParts, reportOf } from './write.ts';
