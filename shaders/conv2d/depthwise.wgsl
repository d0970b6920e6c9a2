<%
// For the values of k see depthwise.ts and depthwise-walk.ts.
const range = (n) => [...Array(n).keys()];
const vector = (floats, type) => (floats === 1 ? type : `vec${floats}<${type}>`);
const outputs = range(k.pixels / k.outVector).map((i) => i * k.outVector);
const result = vector(k.outVector, 'f32');
const sum = (p) => range(k.tapRows).flatMap((r) => range(k.tapColumns).map((c) => `w${r}_${c} * x${r}_${p * k.strideWidth + c * k.dilationWidth}`)).join(' + ') || '0.0';
%>
// Convolution of each input channel with kernels of its own, forward or one phase of the input gradient. NCHW tensors.
//
// Such a convolution has few products for each load, so loads decide. An invocation keeps its taps in registers and
// walks down a strip of PIXELS columns. It keeps the rows of the input that the next output reads too, and loads each
// once. Neighbours have adjacent strips.
<%~ include('/parts/stored.wgsl', k) %>
struct Params {
  // Of all planes; strips of a plane, and walks down a strip.
  walks: u32,
  strips: u32,
  lines: u32,
  rowStep: u32,
  rowsPerWalk: u32,
  // Channels of a group; one of the two is 1. The other is the number of a group's kernels.
  groups: u32,
  channels: u32,
  resultChannels: u32,
  // The kernel that this job takes of those that lead to one channel of the result.
  ownKernel: u32,
  inHeight: u32,
  inWidth: u32,
  // Pixels of the result that this job computes.
  gridHeight: u32,
  gridWidth: u32,
  strideHeight: u32,
  dilationHeight: u32,
  // Input position that tap (0, 0) of pixel (0, 0) reads; negative in the padding.
  originRow: i32,
  originColumn: i32,
  // Pixel (row, column) of the grid is written to row * outStepHeight + outOffsetHeight, likewise columns.
  outHeight: u32,
  outWidth: u32,
  outStepHeight: u32,
  outStepWidth: u32,
  outOffsetHeight: u32,
  outOffsetWidth: u32,
  // Weights of a kernel; to tap (0, 0) of the job, from one row of its taps to the next, and from one tap to the next.
  kernelSize: u32,
  weightStart: i32,
  weightRow: i32,
  weightStep: i32,
}
@group(0) @binding(0) var<storage, read> input: array<<%= vector(k.inVector, 'Stored') %>>;
@group(0) @binding(1) var<storage, read> weight: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<<%= vector(k.outVector, 'Stored') %>>;
@group(0) @binding(<%= k.normalised ? 5 : 3 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { binding: 3, type: result, stored: vector(k.outVector, 'Stored') }) %>
<% } %>

const WORKGROUP = <%= k.workgroup %>u;
const PIXELS = <%= k.pixels %>u;
<% if (k.inVector > 1) { %>

fn inputAt(i: u32) -> f32 {
  return f32(input[i / <%= k.inVector %>u][i % <%= k.inVector %>u]);
}
<% } %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let walk = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (walk >= params.walks) {
    return;
  }
  let column0 = walk % params.strips * PIXELS;
  let line = walk / params.strips % params.lines;
  let outPlane = walk / params.strips / params.lines;
  let resultChannels = params.groups * params.resultChannels;
  let channel = outPlane % resultChannels;
  let kernel = channel * params.channels + params.ownKernel;
  let inPlane = outPlane / resultChannels * params.groups * params.channels + kernel / params.resultChannels;

  let weight0 = i32(kernel * params.kernelSize) + params.weightStart;
<% for (const r of range(k.tapRows)) for (const c of range(k.tapColumns)) { %>
  let w<%= r %>_<%= c %> = f32(weight[weight0 + <%= r %> * params.weightRow + <%= c %> * params.weightStep]);
<% } %>
<% if (k.normalised) { %>
  let norm = table[channel];
<% } %>
  // Walks that take turns come first, then those that follow one another.
  let row0 = line % params.rowStep + line / params.rowStep * params.rowsPerWalk * params.rowStep;
  let rowEnd = min(row0 + params.rowsPerWalk * params.rowStep, params.gridHeight);
  let dilation = i32(params.dilationHeight);
  let width = i32(params.inWidth);
  let plane = i32(inPlane * params.inHeight * params.inWidth);
  let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + params.originColumn;
  var inRow = i32(row0 * params.strideHeight) + params.originRow;
<%~ include('/conv2d/parts/window-start.wgsl') %>
  for (var row = row0; row < rowEnd; row += params.rowStep) {
<%~ include('/conv2d/parts/window-step.wgsl') %>
    let outRow = outPlane * params.outHeight + row * params.outStepHeight + params.outOffsetHeight;
    let place0 = outRow * params.outWidth + column0 * params.outStepWidth + params.outOffsetWidth;
<% for (const p of outputs) { %>
    let sum<%= p %> = <%= result %>(<%= range(k.outVector).map((i) => sum(p + i)).join(', ') %>);
<% } %>
<% for (const p of outputs) { %>
    <% if (p > 0 && !k.whole) { %>if (column0 + <%= p %>u < params.gridWidth) <% } %>{
      let place = <%= k.outVector === 1 ? `place0 + ${p}u * params.outStepWidth` : `(place0 + ${p}u) / ${k.outVector}u` %>;
      output[place] = <%= k.add ? 'output[place] + ' : '' %><%= vector(k.outVector, 'Stored') %>(<%= k.normalised ? `normalised(sum${p}, norm, place)` : `sum${p}` %>);
    }
<% } %>
    inRow += i32(params.rowStep * params.strideHeight);
  }
}
