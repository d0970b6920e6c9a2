/** The package has types of its generated parts only, and none of this entry. */
declare module 'libheif-js/libheif-wasm/libheif-bundle.js' {
  import type { Libheif } from './libheif.ts';

  export default function open(options: { print(text: string): void; printErr(text: string): void }): Libheif;
}
