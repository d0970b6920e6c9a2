<%
// Constants: taps (kernel columns unrolled), strideWidth, lanes (subgroup size that shuffles feed: 4 or 8; 0: none),
// tail (whether the output width is no multiple of PIXELS).
const TILE = 32;
const PIXELS = 4;
const range = (n) => [...Array(n).keys()];
const columns = [...new Set(range(PIXELS).flatMap((p) => range(k.taps).map((t) => p * k.strideWidth + t)))].sort((a, b) => a - b);
// Output channels whose gradients one invocation loads.
const rowsPerLane = k.lanes ? TILE / k.lanes : TILE;
%>
// Weight gradient of a convolution for CPU adapters, in registers only. NCHW tensors, OIHW weights.
//
// One invocation owns a kernel row (input channel, kernel row) and sums its `taps` columns for TILE output channels over
// a range of output rows; see conv2d-rows for why registers and shuffles. PIXELS is 4: with 7 the inputs and the gradients
// of a step no longer fit the 16 vector registers together, which halves the speed.
//
// Workgroup (x, y, z): kernel rows x * lanes …, output channels y * TILE …, and in z the part of the sum and the group of
// columns. Each part of the sum goes to a slice of its own, which sum-slices adds up in order.
<% if (k.lanes) { %>enable subgroups;<% } %>
struct Params {
  batch: u32,
  inChannels: u32,
  inHeight: u32,
  inWidth: u32,
  outChannels: u32,
  outHeight: u32,
  outWidth: u32,
  kernelHeight: u32,
  kernelWidth: u32,
  strideHeight: u32,
  paddingHeight: u32,
  paddingWidth: u32,
  // Output rows of the whole batch (batch * outHeight) that one part of the sum takes.
  rowsPerSlice: u32,
  slices: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(<%= k.lanes || 8 %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kernelRows = params.inChannels * params.kernelHeight;
  let kernelRow = group.x * <%= k.lanes || 8 %>u + lane;
  let clamped = min(kernelRow, kernelRows - 1u);
  let inChannel = clamped / params.kernelHeight;
  let rowShift = i32(clamped % params.kernelHeight) - i32(params.paddingHeight);
  let outChannel0 = group.y * <%= TILE %>u;
  let slice = group.z % params.slices;
  let tap0 = group.z / params.slices * <%= k.taps %>u;
  let columnShift = i32(tap0) - i32(params.paddingWidth);
  let width = i32(params.inWidth);
  let plane = params.outHeight * params.outWidth;
<% for (const r of range(rowsPerLane)) { %>
  let ownChannel<%= r %> = min(outChannel0 + <%= k.lanes ? `lane * ${rowsPerLane}u + ` : '' %><%= r %>u, params.outChannels - 1u);
<% } %>
  // An array for the reason that conv2d-rows has one.
  var sums: array<f32, <%= Math.max(TILE * k.taps, 224) %>>;
  let firstRow = slice * params.rowsPerSlice;
  let rows = min(params.rowsPerSlice, params.batch * params.outHeight - firstRow);
  // One loop over (row, column0), its indices carried along: nested ones cost half the speed on lavapipe.
  var image = firstRow / params.outHeight;
  var outRow = firstRow % params.outHeight;
  var column0 = 0u;
  let steps = rows * ((params.outWidth + <%= PIXELS - 1 %>u) / <%= PIXELS %>u);
  for (var step = 0u; step < steps; step++) {
    let inRow = i32(outRow * params.strideHeight) + rowShift;
    let rowInside = u32(inRow) < params.inHeight;
    let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + columnShift;
    let inStart = (i32(image * params.inChannels + inChannel) * i32(params.inHeight) + inRow) * width + inColumn0;
    let gradStart = image * params.outChannels * plane + outRow * params.outWidth + column0;
<% for (const r of range(rowsPerLane)) for (const p of range(PIXELS)) { %>
<% if (k.tail && p > 0) { %>
    let g<%= r %>_<%= p %> = select(0.0, outputGrad[gradStart + ownChannel<%= r %> * plane + select(0u, <%= p %>u, column0 + <%= p %>u < params.outWidth)], column0 + <%= p %>u < params.outWidth);
<% } else { %>
    let g<%= r %>_<%= p %> = outputGrad[gradStart + ownChannel<%= r %> * plane + <%= p %>u];
<% } %>
<% } %>
<% for (const c of columns) { %>
    let read<%= c %> = rowInside && u32(inColumn0 + <%= c %>) < params.inWidth;
    let x<%= c %> = select(0.0, input[u32(select(0, inStart + <%= c %>, read<%= c %>))], read<%= c %>);
<% } %>
<% for (const i of range(TILE)) { %>
    {
<% for (const p of range(PIXELS)) { %>
<% if (k.lanes) { %>
      let a<%= p %> = subgroupShuffle(g<%= i % rowsPerLane %>_<%= p %>, <%= Math.floor(i / rowsPerLane) %>u);
<% } else { %>
      let a<%= p %> = g<%= i %>_<%= p %>;
<% } %>
<% } %>
<% for (const t of range(k.taps)) { %>
      sums[<%= i * k.taps + t %>] += <%= range(PIXELS).map((p) => `a${p} * x${p * k.strideWidth + t}`).join(' + ') %>;
<% } %>
    }
<% } %>
    column0 += <%= PIXELS %>u;
    let rowDone = column0 >= params.outWidth;
    column0 = select(column0, 0u, rowDone);
    outRow += select(0u, 1u, rowDone);
    let imageDone = outRow == params.outHeight;
    outRow = select(outRow, 0u, imageDone);
    image += select(0u, 1u, imageDone);
  }
  if (kernelRow >= kernelRows) {
    return;
  }
  let weights = kernelRows * params.kernelWidth;
  let channels = min(<%= TILE %>u, params.outChannels - outChannel0);
  let destination0 = (slice * params.outChannels + outChannel0) * weights + kernelRow * params.kernelWidth + tap0;
  for (var i = 0u; i < channels * <%= k.taps %>u; i++) {
    weightGrad[destination0 + i / <%= k.taps %>u * weights + i % <%= k.taps %>u] = sums[i];
  }
}
