// Weights rotated by 180° for an input gradient on GPUs: OIHW -> [group][input channel][output channel][tap row][tap
// column]. The taps of one phase are in the order in which a convolution of the output gradient reads them: backwards
// from (firstRow, firstColumn), a step apart. One invocation copies the taps of one pair of channels; adjacent ones
// write adjacent pairs.
struct Params {
  // Of all groups; then the channels of one.
  pairs: u32,
  inChannels: u32,
  outChannels: u32,
  kernelHeight: u32,
  kernelWidth: u32,
  tapRows: u32,
  tapColumns: u32,
  firstRow: u32,
  firstColumn: u32,
  rowStep: u32,
  columnStep: u32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> turned: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let pair = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (pair >= params.pairs) {
    return;
  }
  let inChannel = pair / params.outChannels % params.inChannels;
  // Of all groups.
  let outChannel = pair / params.outChannels / params.inChannels * params.outChannels + pair % params.outChannels;
  let source = (outChannel * params.inChannels + inChannel) * params.kernelHeight * params.kernelWidth;
  let destination = pair * params.tapRows * params.tapColumns;
  for (var row = 0u; row < params.tapRows; row++) {
    let last = source + (params.firstRow - row * params.rowStep) * params.kernelWidth + params.firstColumn;
    for (var column = 0u; column < params.tapColumns; column++) {
      turned[destination + row * params.tapColumns + column] = weight[last - column * params.columnStep];
    }
  }
}
