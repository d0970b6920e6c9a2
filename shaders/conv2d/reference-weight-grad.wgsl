// The weight gradient of a convolution in its plainest form. reference-forward.wgsl names the extents.
//
// A weight contributes to every output of its channel, each time with the input pixel under its tap (r, c):
//
//   weightGrad[o, i, r, c] = Σ over n, y, x of
//     outputGrad[n, o, y, x] · input[n, first + i, y · stride − padding + r · dilation, x · stride − padding + c · dilation]
//
// where the input is 0 outside its pixels. One invocation computes one element of weightGrad. It adds its products in
// the order of the outputs in memory.
<%~ include('/conv2d/parts/reference.wgsl') %>
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

fn inputAt(image: u32, channel: u32, row: i32, column: i32) -> f32 {
  if (row < 0 || row >= i32(params.inHeight) || column < 0 || column >= i32(params.inWidth)) {
    return 0.0;
  }
  return input[((image * params.inChannels + channel) * params.inHeight + u32(row)) * params.inWidth + u32(column)];
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let channels = params.inChannels / params.groups;
  if (place >= params.outChannels * channels * params.kernelHeight * params.kernelWidth) {
    return;
  }
  let tapColumn = place % params.kernelWidth;
  let tapRow = place / params.kernelWidth % params.kernelHeight;
  let channel = place / (params.kernelWidth * params.kernelHeight) % channels;
  let outChannel = place / (params.kernelWidth * params.kernelHeight * channels);

  let inChannel = outChannel / (params.outChannels / params.groups) * channels + channel;
  // The input pixel that the tap of output (0, 0) reads, which may lie in the padding.
  let row0 = i32(tapRow * params.dilationHeight) - i32(params.paddingHeight);
  let column0 = i32(tapColumn * params.dilationWidth) - i32(params.paddingWidth);

  var sum = 0.0;
  for (var image = 0u; image < params.batch; image++) {
    for (var outRow = 0u; outRow < params.outHeight; outRow++) {
      for (var outColumn = 0u; outColumn < params.outWidth; outColumn++) {
        let row = row0 + i32(outRow * params.strideHeight);
        let column = column0 + i32(outColumn * params.strideWidth);
        let plane = image * params.outChannels + outChannel;
        let gradPlace = (plane * params.outHeight + outRow) * params.outWidth + outColumn;
        sum += outputGrad[gradPlace] * inputAt(image, inChannel, row, column);
      }
    }
  }
  weightGrad[place] = sum;
}
