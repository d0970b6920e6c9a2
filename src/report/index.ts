/** A page about a run, or about several beside each other, as one HTML file. Other folders import from this file. */
export type { Counts } from './data.ts';
export { type OpenEyes, openEyes, openReader } from './eyes.ts';
export { RECORD_FILES, type RunRecord, readRun } from './run-record.ts';
export { type Eyes, MOST_PICTURE_BYTES, type Network } from './views.ts';
export { REPORT_FILE, type ReportParts, comparisonOf, reportOf, writeReport } from './write.ts';
