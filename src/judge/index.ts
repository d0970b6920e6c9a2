/** The verdict on a network over labelled pictures. Other folders import from this file. */
export { judgementJson, readJudgement } from './file.ts';
export { judgeScores, type ScoredSet } from './from-scores.ts';
export { reachOf, wilsonInterval } from './interval.ts';
export { judge } from './scores.ts';
export { crossEntropyOf, softmax } from './softmax.ts';
export type {
  Answer,
  Averages,
  CalibrationBin,
  ClassScores,
  Interval,
  JudgedSet,
  JudgedSource,
  Judgement,
  Likely,
  Rates,
  Scores,
  TopK,
} from './types.ts';
export { accuracyText, classTable, judgementWords, warningsOf, worstClasses } from './words.ts';
