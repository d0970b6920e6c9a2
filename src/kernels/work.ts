/** Types for work that several kernels can compute, and for the fastest kernels measured. */

/** Work that several kernels can compute. The name contains everything that the choice depends on. */
export interface Work {
  readonly name: string;
}

/** The fastest kernel variants measured on an adapter, by the name of the work. */
export type TunedChoices = ReadonlyMap<string, string>;
