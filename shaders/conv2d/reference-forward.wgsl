// A convolution (cross-correlation, as in torch) in its plainest form. Start reading here: the other variants compute
// the same result faster, and tests compare them with this one.
//
// input [batch, inChannels, inHeight, inWidth], weight [outChannels, inChannels / groups, kernelHeight, kernelWidth],
// output [batch, outChannels, outHeight, outWidth]. `first` is the first input channel of o's group:
//
//   output[n, o, y, x] = Σ over i, r, c of
//     input[n, first + i, y · stride − padding + r · dilation, x · stride − padding + c · dilation] · weight[o, i, r, c]
//
// The input is 0 outside its pixels. Tap (r, c) is row r and column c of the kernel.
//
// One invocation computes one element of the output. It adds its products in the order of the weights in memory.
<%~ include('/parts/stored.wgsl', k) %>

<%~ include('/conv2d/parts/reference.wgsl') %>
@group(0) @binding(0) var<storage, read> input: array<Stored>;
@group(0) @binding(1) var<storage, read> weight: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;
@group(0) @binding(<%= k.normalised ? 5 : 3 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { ...k, binding: 3, type: 'f32', stored: 'Stored' }) %>
<% } %>

const WORKGROUP = 64u;

fn inputAt(image: u32, channel: u32, row: i32, column: i32) -> f32 {
  if (row < 0 || row >= i32(params.inHeight) || column < 0 || column >= i32(params.inWidth)) {
    return 0.0;
  }
  return f32(input[((image * params.inChannels + channel) * params.inHeight + u32(row)) * params.inWidth + u32(column)]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (place >= params.batch * params.outChannels * params.outHeight * params.outWidth) {
    return;
  }
  let outColumn = place % params.outWidth;
  let outRow = place / params.outWidth % params.outHeight;
  let outChannel = place / (params.outWidth * params.outHeight) % params.outChannels;
  let image = place / (params.outWidth * params.outHeight * params.outChannels);

  let channels = params.inChannels / params.groups;
  let firstChannel = outChannel / (params.outChannels / params.groups) * channels;
  // The input pixel under tap (0, 0), which may lie in the padding.
  let row0 = i32(outRow * params.strideHeight) - i32(params.paddingHeight);
  let column0 = i32(outColumn * params.strideWidth) - i32(params.paddingWidth);

  var sum = 0.0;
  var weightPlace = outChannel * channels * params.kernelHeight * params.kernelWidth;
  for (var channel = 0u; channel < channels; channel++) {
    for (var tapRow = 0u; tapRow < params.kernelHeight; tapRow++) {
      for (var tapColumn = 0u; tapColumn < params.kernelWidth; tapColumn++) {
        let row = row0 + i32(tapRow * params.dilationHeight);
        let column = column0 + i32(tapColumn * params.dilationWidth);
        sum += inputAt(image, firstChannel + channel, row, column) * f32(weight[weightPlace]);
        weightPlace++;
      }
    }
  }
  output[place] = Stored(<%= k.normalised ? 'normalised(sum, table[outChannel], place)' : 'sum' %>);
}
