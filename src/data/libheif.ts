/**
 * The HEIC decoder libheif-js, an optional dependency: libheif and libde265 as WebAssembly, which cannot reach beyond
 * its own memory. It is loaded when the first HEIC is met, in the thread that met it.
 */
import { loadOptional } from '../optional.ts';

/** A pointer into the decoder's memory. */
type Handle = object;
interface Failure {
  readonly code: object;
  readonly message: string;
}

/** One plane of decoded pixels. `data` lies in the decoder's memory. */
export interface HeifPlane {
  readonly id: object;
  readonly width: number;
  readonly height: number;
  /** Bytes from a row to the next. */
  readonly stride: number;
  readonly data: Uint8Array;
}

/** The functions of libheif that are used, under their names in C. */
export interface Libheif {
  readonly HEAPU8: Uint8Array;
  readonly heif_error_code: { readonly heif_error_Ok: object };
  readonly heif_colorspace: { readonly heif_colorspace_RGB: object };
  readonly heif_chroma: { readonly heif_chroma_interleaved_RGB: object };
  readonly heif_channel: { readonly heif_channel_interleaved: object };
  heif_context_alloc(): Handle;
  heif_context_free(context: Handle): void;
  heif_context_read_from_memory(context: Handle, bytes: Uint8Array): Failure;
  heif_js_context_get_primary_image_handle(context: Handle): Handle | Failure;
  heif_image_handle_get_width(image: Handle): number;
  heif_image_handle_get_height(image: Handle): number;
  heif_image_handle_release(image: Handle): void;
  heif_js_decode_image2(
    image: Handle,
    colorspace: object,
    chroma: object,
  ): { readonly image: Handle; readonly channels: readonly HeifPlane[] } | Failure;
  heif_image_release(image: Handle): void;
}

/**
 * Its memory only grows. A decoder that has taken more than this, which a phone's picture of 12 million pixels does not,
 * is let go after its picture.
 */
const MOST_KEPT = 192 * 2 ** 20;

let loading: Promise<Libheif> | undefined;

/**
 * Loads the decoder on first use.
 * @throws MissingPackageError
 */
export function loadLibheif(): Promise<Libheif> {
  loading ??= loadOptional('libheif-js', 'Reading HEIC, the format of iPhones,', async () => {
    const { default: open } = await import('libheif-js/libheif-wasm/libheif-bundle.js');
    // What it prints about a damaged file is in its errors too.
    return open({ print: () => {}, printErr: () => {} });
  });
  return loading;
}

/** Ends the use of a decoder for one picture. @param failed whether it stopped in the middle, and so may be in disorder */
export function releaseLibheif(lib: Libheif, failed: boolean): void {
  if (failed || lib.HEAPU8.length > MOST_KEPT) loading = undefined;
}
