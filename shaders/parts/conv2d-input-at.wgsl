// input under the given tap of the given output pixel, 0 in the padding.
fn inputAt(pixel: u32, tap: u32) -> f32 {
  let column = pixel % params.outWidth;
  let row = pixel / params.outWidth % params.outHeight;
  let image = pixel / params.outWidth / params.outHeight;
  let kernelColumn = tap % params.kernelWidth;
  let kernelRow = tap / params.kernelWidth % params.kernelHeight;
  let channel = tap / params.kernelWidth / params.kernelHeight;
  // Left of or above the picture these wrap to huge numbers, which the comparison excludes as well.
  let inRow = row * params.strideHeight + kernelRow - params.paddingHeight;
  let inColumn = column * params.strideWidth + kernelColumn - params.paddingWidth;
  if (inRow >= params.inHeight || inColumn >= params.inWidth) {
    return 0.0;
  }
  return f32(input[((image * params.inChannels + channel) * params.inHeight + inRow) * params.inWidth + inColumn]);
}
