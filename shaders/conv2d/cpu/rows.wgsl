<%
// For the values of k see rows.ts.
const range = (n) => [...Array(n).keys()];
const type = (floats) => (floats === 1 ? 'f32' : `vec${floats}<f32>`);
const signed = (n) => (n < 0 ? `- ${-n}` : `+ ${n}`);
const times = (n, suffix = '') => (n === 1 ? '' : ` * ${n}${suffix}`);
%>
// Convolution (correlation) for CPU adapters, in registers only. NCHW input, weights from pack.wgsl.
//
// One invocation computes `pixels` adjacent outputs of a row for `tile` channels. A loaded input serves all taps of its
// row, and a loaded weight all pixels. On lavapipe a load costs as much as thirty multiply-adds, at any address. So the
// invocations of a subgroup share the weights: each loads some vectors of them, and subgroupShuffle, one permute
// instruction, distributes them. The sums spill to the stack, which costs less than more loads would. But beyond about
// 700 multiply-adds in the loop body the instruction cache overflows.
//
// The same code computes the input gradient. With stride s, the outputs of each phase (row mod s, column mod s) are a
// convolution of the output gradient with every s-th tap, written s apart.
<% if (k.lanes) { %>enable subgroups;<% } %>
struct Params {
  batch: u32,
  groups: u32,
  // Of a group: its tiles, the channels that are summed over, and those of the result.
  groupTiles: u32,
  channels: u32,
  inHeight: u32,
  inWidth: u32,
  resultChannels: u32,
  // Outputs that this job computes, and the segments of `pixels` that they are cut into.
  gridHeight: u32,
  gridWidth: u32,
  rowSegments: u32,
  segments: u32,
  tapRows: u32,
  tapColumns: u32,
  strideHeight: u32,
  // Input position that tap (0, 0) of output (0, 0) reads; negative in the padding.
  originRow: i32,
  originColumn: i32,
  // Output (row, column) of the grid is written to row * outStepHeight + outOffsetHeight, likewise columns.
  outHeight: u32,
  outWidth: u32,
  outStepHeight: u32,
  outStepWidth: u32,
  outOffsetHeight: u32,
  outOffsetWidth: u32,
  // In vectors of packed weights: distance between tiles, to the first tap of a job, and between steps; then the extra
  // distance at the end of a row of taps, and of a channel.
  weightTile: u32,
  weightStart: i32,
  weightStep: i32,
  weightRow: i32,
  weightChannel: i32,
}
@group(0) @binding(0) var<storage, read> input: array<<%= type(k.inVector) %>>;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<<%= type(k.outVector) %>>;
@group(0) @binding(<%= k.normalised ? 5 : 3 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { ...k, binding: 3, type: type(k.outVector) }) %>
<% } %>
<% if (k.inVector > 1) { %>
fn inputAt(i: u32) -> f32 {
  return input[i / <%= k.inVector %>u][i % <%= k.inVector %>u];
}
<% } %>
@compute @workgroup_size(<%= k.invocations %>)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let segment = (group.z * groups.x + group.x) * <%= k.invocations %>u + lane;
  // Invocations beyond the end compute the last segment again, because the others need the weights that they load.
  let clamped = min(segment, params.segments - 1u);
  let column0 = (clamped % params.rowSegments) * <%= k.pixels %>u;
  let row = (clamped / params.rowSegments) % params.gridHeight;
  let image = clamped / params.rowSegments / params.gridHeight;
  let groupOfChannels = group.y / params.groupTiles;
  let channelOfGroup0 = group.y % params.groupTiles * <%= k.tile %>u;
  let channel0 = groupOfChannels * params.resultChannels + channelOfGroup0;
  let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + params.originColumn;
  let inRow0 = i32(row * params.strideHeight) + params.originRow;
  let width = i32(params.inWidth);
<% if (!k.loopTaps) for (const { first, name } of k.loads) { %>
  let inside_<%= name %> = u32(inColumn0 <%= signed(first) %>) < params.inWidth;
<% } %>
  // An array, not variables. The loop names its elements by constants, so indexing costs nothing. The stores at the end
  // can be a loop; without it the shader takes five times as long to compile. The array also runs faster by a quarter.
  var sums: array<f32, <%= k.tile * k.pixels %>>;
  // One loop over (channel, tapRow<% if (k.loopTaps) { %>, tapColumn<% } %>) that updates all its indices.
  // Two nested loops halve the speed on lavapipe.
  var tapRow = 0u;
  var inRow = inRow0;
  var start = (i32((image * params.groups + groupOfChannels) * params.channels * params.inHeight) + inRow0) * width + inColumn0;
  var weight = i32(group.y * params.weightTile<% if (k.lanes) { %> + lane<% } %>) + params.weightStart;
<% if (k.loopTaps) { %>
  var tapColumn = 0u;
  let steps = params.channels * params.tapRows * params.tapColumns;
<% } else { %>
  let steps = params.channels * params.tapRows;
<% } %>
  for (var step = 0u; step < steps; step++) {
    let rowInside = u32(inRow) < params.inHeight;
<% for (const { first, floats, wanted, name } of k.loads) { %>
<% if (k.loopTaps) { %>
    let inside_<%= name %> = u32(inColumn0 + i32(tapColumn)<%= times(k.dilationWidth) %> <%= signed(first) %>) < params.inWidth;
<% } %>
    let read_<%= name %> = rowInside && inside_<%= name %>;
    let at_<%= name %> = u32(select(0, start <%= signed(first) %>, read_<%= name %>));
    let <%= name %> = select(<%= type(floats) %>(), <%= floats > 1 ? `input[at_${name} / ${floats}u]` : k.inVector > 1 ? `inputAt(at_${name})` : `input[at_${name}]` %>, read_<%= name %>);
<% if (floats > 1) for (const c of wanted) { %>
    let x<%= c %> = <%= name %>[<%= c - first %>];
<% } } %>
<% for (const { name, offset } of k.weightLoads) { %>
    let <%= name %> = packed[weight <%= signed(offset) %>];
<% } %>
<% for (const i of range(k.tile)) { %>
    {
<% for (const t of range(k.taps)) { const { name, component, lane } = k.weightAt(t, i); %>
      let a<%= t %> = <%= k.lanes ? `subgroupShuffle(${name}.${component}, ${lane}u)` : `${name}.${component}` %>;
<% } %>
<% for (const p of range(k.pixels)) { %>
      sums[<%= i * k.pixels + p %>] += <%= range(k.taps).map((t) => `a${t} * x${p * k.strideWidth + t * k.dilationWidth}`).join(' + ') %>;
<% } %>
    }
<% } %>
    weight += params.weightStep;
<% if (k.loopTaps) { %>
    tapColumn++;
    start += <%= k.dilationWidth %>;
    let rowDone = tapColumn == params.tapColumns;
    tapColumn = select(tapColumn, 0u, rowDone);
    start += select(0, width<%= times(k.dilationHeight) %> - i32(params.tapColumns)<%= times(k.dilationWidth) %>, rowDone);
    weight += select(0, params.weightRow, rowDone);
    tapRow += select(0u, 1u, rowDone);
    inRow += select(0, <%= k.dilationHeight %>, rowDone);
<% } else { %>
    tapRow++;
    inRow += <%= k.dilationHeight %>;
    start += width<%= times(k.dilationHeight) %>;
<% } %>
    let channelDone = tapRow == params.tapRows;
    tapRow = select(tapRow, 0u, channelDone);
    inRow = select(inRow, inRow0, channelDone);
    start += select(0, i32(params.inHeight - params.tapRows<%= times(k.dilationHeight, 'u') %>) * width, channelDone);
    weight += select(0, params.weightChannel, channelDone);
  }
  if (segment >= params.segments) {
    return;
  }
  let outRow = row * params.outStepHeight + params.outOffsetHeight;
  let plane = params.outHeight * params.outWidth;
  let channels = min(<%= k.tile %>u, params.resultChannels - channelOfGroup0);
  let pixels = min(<%= k.pixels %>u, params.gridWidth - column0);
  let destination0 = (image * params.groups * params.resultChannels + channel0) * plane + outRow * params.outWidth + column0 * params.outStepWidth + params.outOffsetWidth;
  for (var i = 0u; i < channels; i++) {
<% if (k.normalised) { %>
    let norm = table[channel0 + i];
<% } %>
<% if (k.outVector > 1) { %>
    for (var p = 0u; p < pixels; p += <%= k.outVector %>u) {
      let sum = i * <%= k.pixels %>u + p;
      let place = (destination0 + i * plane + p) / <%= k.outVector %>u;
      let value = <%= type(k.outVector) %>(<%= range(k.outVector).map((c) => `sums[sum + ${c}u]`).join(', ') %>);
      output[place] = <%= k.normalised ? 'normalised(value, norm, place)' : 'value' %>;
    }
<% } else { %>
    for (var p = 0u; p < pixels; p++) {
      let place = destination0 + i * plane + p * params.outStepWidth;
      let value = sums[i * <%= k.pixels %>u + p];
      output[place] = <%= k.normalised ? 'normalised(value, norm, place)' : 'value' %>;
    }
<% } %>
  }
}
