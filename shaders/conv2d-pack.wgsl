// Rearranges convolution weights for conv2d-rows: OIHW -> [channel][tapRow][tapColumn][packed], where `channel` is summed
// over, `packed` is the channel of the result, padded with zeros to a multiple of the tile, and the taps are the subset
// (first, step) of the kernel that the job uses: all of them forwards, every stride-th backwards for an input gradient.
// Workgroup (x, y): 64 result channels of summed channel y. One invocation copies the taps of one result channel.
struct Params {
  channels: u32,
  resultChannels: u32,
  packedChannels: u32,
  tapRows: u32,
  tapColumns: u32,
  channelStride: u32,
  resultStride: u32,
  kernelWidth: u32,
  firstRow: i32,
  rowStep: i32,
  firstColumn: i32,
  columnStep: i32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let result = group.x * 64u + lane;
  let channel = group.y;
  if (result >= params.packedChannels) {
    return;
  }
  let source = i32(channel * params.channelStride + result * params.resultStride);
  var destination = channel * params.tapRows * params.tapColumns * params.packedChannels + result;
  for (var row = 0u; row < params.tapRows; row++) {
    let rowStart = source + (params.firstRow + i32(row) * params.rowStep) * i32(params.kernelWidth);
    for (var column = 0u; column < params.tapColumns; column++) {
      var value = 0.0;
      if (result < params.resultChannels) {
        value = weight[u32(rowStart + params.firstColumn + i32(column) * params.columnStep)];
      }
      packed[destination] = value;
      destination += params.packedChannels;
    }
  }
}
