/**
 * A hint to collect garbage. Tensors that nobody disposed, and WebGPU's objects without a `destroy`, are freed when
 * JavaScript collects them. To it they are a few small objects, whatever they hold on the device, so it sees no reason.
 *
 * Memory outside the heap is one: an ArrayBuffer counts as such, and nothing ever touches its pages. With V8 this one starts
 * a collection, which takes some milliseconds. So it is used only where many such objects have gathered.
 */
const BALLAST = 128 * 2 ** 20;

/** Suggests a collection. Finalizers run when the program next returns to its event loop. */
export function suggestCollection(): void {
  try {
    new ArrayBuffer(BALLAST);
  } catch {
    // Without so much address space the engine collects soon enough.
  }
}
