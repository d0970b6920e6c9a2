/** What a kernel is chosen for, and what may be known about it. */

/** Something that several kernels can compute, so that one is chosen. The name holds all that the choice depends on. */
export interface Work {
  readonly name: string;
}

/** What was found to be fastest on an adapter: names of kernel variants, by the name of the work. */
export type TunedChoices = ReadonlyMap<string, string>;
