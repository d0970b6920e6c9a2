/**
 * The verdict on a network over labelled pictures. `judgement.json` in a run folder, and `eval --json`, are a
 * `Judgement` as JSON. Shares and probabilities run from 0 to 1. Zero divisions give 0, as scikit-learn's
 * `zero_division=0`.
 */

/** Pictures with their truths, and what a network made of them. */
export interface JudgedSet {
  /** Names of the network's classes, in the order of its outputs. */
  readonly classes: readonly string[];
  /** A name for each picture. */
  readonly paths: readonly string[];
  /** The index of each picture's class. */
  readonly truths: ArrayLike<number>;
  /** [pictures, classes]: the probabilities of each picture sum to 1. */
  readonly probabilities: ArrayLike<number>;
  /** The cross entropy of each picture, where it is known better than the probabilities tell, which round to 0. */
  readonly losses?: ArrayLike<number>;
}

/** A share that was measured on a sample: with a probability of 95 % the true one lies between these two (Wilson). */
export type Interval = readonly [low: number, high: number];

/** Precision, recall and their harmonic mean. */
export interface Rates {
  /** Of the pictures taken for the class, the share that is of it. */
  readonly precision: number;
  /** Of the pictures of the class, the share that was recognised. */
  readonly recall: number;
  readonly f1: number;
}

/** One class. */
export interface ClassScores extends Rates {
  readonly name: string;
  /** Pictures of this class. */
  readonly count: number;
  /** Those of them that were recognised. */
  readonly right: number;
  /** Pictures that were taken for this class, rightly or not. */
  readonly answered: number;
}

/** The averages of the classes' rates. */
export interface Averages {
  /** Over all pictures. With one answer each, all three equal the accuracy. */
  readonly micro: Rates;
  /** Plain mean over all classes of the network; one without pictures counts as 0. */
  readonly macro: Rates;
  /** Mean over the classes, weighted by their pictures. */
  readonly weighted: Rates;
}

/** Pictures whose answers had a probability in (`from`, `to`]. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of their answers; 0 without pictures. */
  readonly confidence: number;
  /** Share of right answers; 0 without pictures. */
  readonly accuracy: number;
}

/** The share of pictures whose class is among the `k` likeliest. */
export interface TopK {
  readonly k: number;
  readonly accuracy: number;
}

/** A class and its probability. */
export interface Likely {
  readonly name: string;
  readonly probability: number;
}

/** What the network made of one picture. */
export interface Answer {
  /** In a `Judgement`: relative to `data`, with slashes. */
  readonly path: string;
  /** Names of classes. */
  readonly truth: string;
  readonly answer: string;
  readonly right: boolean;
  /** Of the answer. */
  readonly probability: number;
  /** Cross entropy: the negative natural logarithm of the truth's probability. */
  readonly loss: number;
  /** The likeliest classes, at most five, in falling order. The first is the answer. */
  readonly top: readonly Likely[];
}

/** The figures of a `JudgedSet`. */
export interface Scores {
  /** Pictures. */
  readonly count: number;
  readonly right: number;
  readonly accuracy: number;
  /** Of the accuracy. */
  readonly interval: Interval;
  /** Mean recall of the classes that have pictures. */
  readonly balancedAccuracy: number;
  /** Mean over the pictures. */
  readonly loss: number;
  /**
   * Expected calibration error (Guo et al. 2017): over 15 bins of equal width of the answers' probability, the mean
   * distance of a bin's accuracy from its mean probability, weighted by its pictures.
   */
  readonly ece: number;
  /** The 15 bins of `ece`. */
  readonly calibration: readonly CalibrationBin[];
  /** For 1, 2, … 5, as far as that is less than the number of classes; at least for 1. */
  readonly topK: readonly TopK[];
  readonly averages: Averages;
  /** In the order of the network's outputs. */
  readonly classes: readonly ClassScores[];
  /** Row: class of the picture; column: answer. Counts of pictures. */
  readonly confusion: readonly (readonly number[])[];
  /** In the order of the pictures. */
  readonly answers: readonly Answer[];
}

/** What was judged. */
export interface JudgedSource {
  /** The folder of the pictures; of a list, the folder that its paths count from. Absolute path. */
  readonly data: string;
  /** Which part of it: `val`, `test`, or `all` if it has no parts. */
  readonly split: string;
  /** The file of the weights; in a run folder its name there. */
  readonly weights: string;
  /** Epoch of the weights, from 0; null if unknown, or for those before training. */
  readonly epoch: number | null;
}

/** The contents of judgement.json. Readers of version 1 find all these keys in every later file of version 1. */
export interface Judgement extends JudgedSource, Scores {
  readonly version: 1;
}
