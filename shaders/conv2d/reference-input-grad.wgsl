// The input gradient of a convolution in its plainest form. reference-forward.wgsl names the extents.
//
// Every output with a tap (r, c) on an input pixel reads it. The pixel sums their gradients, each times that tap's
// weight:
//
//   inputGrad[n, i, y, x] = Σ over o, r, c of
//     outputGrad[n, o, (y + padding − r · dilation) / stride, (x + padding − c · dilation) / stride] · weight[o, i, r, c]
//
// over the output channels o of i's group, and over the taps for which both quotients are integers and lie in the
// output. A pixel that no tap reaches gets 0.
//
// One invocation computes one element of inputGrad. It adds its products in the order of the weights in memory.
<%~ include('/conv2d/parts/reference.wgsl') %>
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (place >= params.batch * params.inChannels * params.inHeight * params.inWidth) {
    return;
  }
  let inColumn = place % params.inWidth;
  let inRow = place / params.inWidth % params.inHeight;
  let inChannel = place / (params.inWidth * params.inHeight) % params.inChannels;
  let image = place / (params.inWidth * params.inHeight * params.inChannels);

  let channels = params.inChannels / params.groups;
  let outChannels = params.outChannels / params.groups;
  let firstOutChannel = inChannel / channels * outChannels;

  var sum = 0.0;
  for (var o = firstOutChannel; o < firstOutChannel + outChannels; o++) {
    for (var tapRow = 0u; tapRow < params.kernelHeight; tapRow++) {
      for (var tapColumn = 0u; tapColumn < params.kernelWidth; tapColumn++) {
        // Distance of the output's tap (0, 0) from the first pixel of the padded input: a multiple of the stride.
        let fromTop = i32(inRow + params.paddingHeight) - i32(tapRow * params.dilationHeight);
        let fromLeft = i32(inColumn + params.paddingWidth) - i32(tapColumn * params.dilationWidth);
        let outRow = u32(fromTop) / params.strideHeight;
        let outColumn = u32(fromLeft) / params.strideWidth;
        let reached = fromTop >= 0 && u32(fromTop) % params.strideHeight == 0u && outRow < params.outHeight &&
          fromLeft >= 0 && u32(fromLeft) % params.strideWidth == 0u && outColumn < params.outWidth;
        if (reached) {
          let plane = image * params.outChannels + o;
          let gradPlace = (plane * params.outHeight + outRow) * params.outWidth + outColumn;
          let kernel = o * channels + inChannel % channels;
          let weightPlace = (kernel * params.kernelHeight + tapRow) * params.kernelWidth + tapColumn;
          sum += outputGrad[gradPlace] * weight[weightPlace];
        }
      }
    }
  }
  inputGrad[place] = sum;
}
