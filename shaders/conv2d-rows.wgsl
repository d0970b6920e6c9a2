<%
// Constants: taps (kernel columns unrolled), strideWidth, lanes (subgroup size that shuffles feed: 4 or 8; 0: none).
const TILE = 32;
const PIXELS = 7;
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
// Input columns that PIXELS neighbouring outputs touch; with a stride above the taps some in between are not needed.
const columns = [...new Set(range(PIXELS).flatMap((p) => range(k.taps).map((t) => p * k.strideWidth + t)))].sort((a, b) => a - b);
const loadsPerTap = k.lanes ? TILE / 4 / k.lanes : TILE / 4;
%>
// Convolution (correlation) for CPU adapters, in registers only. NCHW input, weights from conv2d-pack.
//
// One invocation computes PIXELS neighbouring outputs of a row for TILE channels: 7 divides every width of ResNet at 224.
// A loaded input serves all taps of its row, a loaded weight all pixels. On lavapipe a load costs some 5 cycles per
// invocation whatever it addresses, so the invocations of a subgroup share the weights: each loads a vec4 of them, and
// subgroupShuffle, one permute instruction, hands them round. 224 sums live at once; that they spill to the stack costs
// less than more loads would, but beyond about 700 multiply-adds in the loop body the instruction cache overflows.
//
// The same code computes the input gradient: of a stride s the outputs of each phase (row mod s, column mod s) are a
// convolution of the output gradient with every s-th tap, written s apart.
<% if (k.lanes) { %>enable subgroups;<% } %>
struct Params {
  batch: u32,
  channels: u32,
  inHeight: u32,
  inWidth: u32,
  resultChannels: u32,
  packedChannels: u32,
  // Outputs computed by this job, and the segments of PIXELS they are cut into.
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
  // Where output (row, column) of the grid goes: row * outStepHeight + outOffsetHeight, likewise columns.
  outHeight: u32,
  outWidth: u32,
  outStepHeight: u32,
  outStepWidth: u32,
  outOffsetHeight: u32,
  outOffsetWidth: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(<%= k.lanes || 8 %>)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let segment = (group.z * groups.x + group.x) * <%= k.lanes || 8 %>u + lane;
  // Invocations beyond the end compute the last segment again: their weights are needed by the others.
  let clamped = min(segment, params.segments - 1u);
  let column0 = (clamped % params.rowSegments) * <%= PIXELS %>u;
  let row = (clamped / params.rowSegments) % params.gridHeight;
  let image = clamped / params.rowSegments / params.gridHeight;
  let channel0 = group.y * <%= TILE %>u;
  let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + params.originColumn;
  let inRow0 = i32(row * params.strideHeight) + params.originRow;
  let width = i32(params.inWidth);

<% for (const c of columns) if (!k.loopTaps) { %>
  let inside<%= c %> = u32(inColumn0 + <%= c %>) < params.inWidth;
<% } %>
  // An array, not 224 variables: the loop names its elements by constants, so it costs no indexing, and the stores at the
  // end can be a loop, without which the shader takes five times as long to compile. It also runs faster by a quarter.
  var sums: array<f32, <%= TILE * PIXELS %>>;
  // One loop over (channel, tapRow<% if (k.loopTaps) { %>, tapColumn<% } %>), its indices carried along: two nested ones cost half the speed on lavapipe.
  var tapRow = 0u;
  var inRow = inRow0;
  var start = (i32(image * params.channels * params.inHeight) + inRow0) * width + inColumn0;
  var weight0 = channel0 / 4u<% if (k.lanes) { %> + lane<% } %>;
<% if (k.loopTaps) { %>
  var tapColumn = 0u;
  let steps = params.channels * params.tapRows * params.tapColumns;
<% } else { %>
  let steps = params.channels * params.tapRows;
<% } %>
  for (var step = 0u; step < steps; step++) {
    let rowInside = u32(inRow) < params.inHeight;
<% for (const c of columns) { %>
<% if (k.loopTaps) { %>
    let inside<%= c %> = u32(inColumn0 + i32(tapColumn) + <%= c %>) < params.inWidth;
<% } %>
    let read<%= c %> = rowInside && inside<%= c %>;
    let x<%= c %> = select(0.0, input[u32(select(0, start + <%= c %>, read<%= c %>))], read<%= c %>);
<% } %>
<% for (const t of range(k.taps)) for (const q of range(loadsPerTap)) { %>
    let w<%= t %>_<%= q %> = packed[weight0 + <%= t %>u * (params.packedChannels / 4u) + <%= q * (k.lanes || 1) %>u];
<% } %>
<% for (const i of range(TILE)) { %>
    {
<% for (const t of range(k.taps)) { const vector = i >> 2; const component = xyzw[i & 3]; %>
<% if (k.lanes) { %>
      let a<%= t %> = subgroupShuffle(w<%= t %>_<%= Math.floor(vector / k.lanes) %>.<%= component %>, <%= vector % k.lanes %>u);
<% } else { %>
      let a<%= t %> = w<%= t %>_<%= vector %>.<%= component %>;
<% } %>
<% } %>
<% for (const p of range(PIXELS)) { %>
      sums[<%= i * PIXELS + p %>] += <%= range(k.taps).map((t) => `a${t} * x${p * k.strideWidth + t}`).join(' + ') %>;
<% } %>
    }
<% } %>
    weight0 += <%= k.taps %>u * (params.packedChannels / 4u);
<% if (k.loopTaps) { %>
    tapColumn++;
    start++;
    let rowDone = tapColumn == params.tapColumns;
    tapColumn = select(tapColumn, 0u, rowDone);
    start += select(0, width - i32(params.tapColumns), rowDone);
    tapRow += select(0u, 1u, rowDone);
    inRow += select(0, 1, rowDone);
<% } else { %>
    tapRow++;
    inRow++;
    start += width;
<% } %>
    let channelDone = tapRow == params.tapRows;
    tapRow = select(tapRow, 0u, channelDone);
    inRow = select(inRow, inRow0, channelDone);
    start += select(0, i32(params.inHeight - params.tapRows) * width, channelDone);
  }
  if (segment >= params.segments) {
    return;
  }
  let outRow = row * params.outStepHeight + params.outOffsetHeight;
  let plane = params.outHeight * params.outWidth;
  let channels = min(<%= TILE %>u, params.resultChannels - channel0);
  let pixels = min(<%= PIXELS %>u, params.gridWidth - column0);
  let destination0 = (image * params.resultChannels + channel0) * plane + outRow * params.outWidth + column0 * params.outStepWidth + params.outOffsetWidth;
  for (var i = 0u; i < channels; i++) {
    for (var p = 0u; p < pixels; p++) {
      output[destination0 + i * plane + p * params.outStepWidth] = sums[i * <%= PIXELS %>u + p];
    }
  }
}
