/** Typed errors of the GPU runtime. Each message says what to do next. */
import { DawngradError } from '../errors.ts';

/** No WebGPU adapter answered, or none of the requested kind. */
export class NoAdapterError extends DawngradError {
  override name = 'NoAdapterError';
}

/** A kernel or an option needs a WebGPU feature that the adapter lacks or that the device was opened without. */
export class MissingFeatureError extends DawngradError {
  override name = 'MissingFeatureError';
}

/** The device was lost (driver crash, unplugged, destroyed). Nothing can run on it any more. */
export class DeviceLostError extends DawngradError {
  override name = 'DeviceLostError';
  constructor(reason: string, message: string) {
    super(`The GPU device was lost (${reason}): ${message}. Files already written are intact; start the run again.`);
  }
}

/** Dawn reported an error that no error scope caught: invalid use, or an internal failure of the driver. */
export class GpuError extends DawngradError {
  override name = 'GpuError';
}

/** Memory of one device was used on another. */
export class DeviceMismatchError extends DawngradError {
  override name = 'DeviceMismatchError';
}

/** The adapter could not allocate the requested memory. */
export class OutOfMemoryError extends DawngradError {
  override name = 'OutOfMemoryError';
  constructor(detail: string) {
    super(`The GPU is out of memory: ${detail}. Use a smaller batch.`);
  }
}

/** The device has given no result for so long that it must be taken for hung. Such a device cannot even be closed. */
export class WatchdogError extends DawngradError {
  override name = 'WatchdogError';
  /** The limit that was exceeded. */
  readonly seconds: number;

  constructor(seconds: number) {
    super(
      `The device has given no result for ${seconds} seconds, so it is taken for hung. Files already written are intact. ` +
        'End this process before you use the device again. If a step can take so long, raise the limit: watchdog ' +
        '(--watchdog).',
    );
    this.seconds = seconds;
  }
}
