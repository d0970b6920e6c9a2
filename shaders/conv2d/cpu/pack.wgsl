// Packs convolution weights for rows.wgsl: OIHW -> [group][tile][channel][tap][TILE]. `channel` is summed over. The last
// extent is the group's channels of the result, padded with zeros to whole tiles. Workgroup (x, y): 64 result channels,
// and CHANNELS summed ones. One invocation copies all taps of one result channel.
const CHANNELS = 8u;

struct Params {
  groups: u32,
  // Of a group.
  channels: u32,
  resultChannels: u32,
  packedChannels: u32,
  tile: u32,
  tapRows: u32,
  tapColumns: u32,
  channelStride: u32,
  resultStride: u32,
  groupStride: u32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let result = group.x * 64u + lane;
  if (result >= params.groups * params.packedChannels) {
    return;
  }
  let taps = params.tapRows * params.tapColumns;
  let groupOfChannels = result / params.packedChannels;
  let channelOfGroup = result % params.packedChannels;
  let real = channelOfGroup < params.resultChannels;
  let channel0 = group.y * CHANNELS;
  var tap = 0u;
  var source = groupOfChannels * params.groupStride + channel0 * params.channelStride + channelOfGroup * params.resultStride;
  var destination = (result / params.tile * params.channels + channel0) * taps * params.tile + result % params.tile;
  let copies = min(CHANNELS, params.channels - channel0) * taps;
  for (var copy = 0u; copy < copies; copy++) {
    packed[destination] = select(0.0, weight[select(0u, source, real)], real);
    destination += params.tile;
    source++;
    tap++;
    let channelDone = tap == taps;
    tap = select(tap, 0u, channelDone);
    source += select(0u, params.channelStride - taps, channelDone);
  }
}
