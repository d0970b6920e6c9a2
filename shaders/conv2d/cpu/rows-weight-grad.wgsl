<%
// For the values of k see rows-weight-grad.ts.
const range = (n) => [...Array(n).keys()];
const type = (floats) => (floats === 1 ? 'f32' : `vec${floats}<f32>`);
const times = (n) => (n === 1 ? '' : ` * ${n}u`);
%>
// Weight gradient of a convolution for CPU adapters, in registers only. NCHW tensors, OIHW weights.
//
// One invocation computes `units` kernel rows (input channel, kernel row), all their `taps` columns and `tile` output
// channels. It walks down the output rows of a block of PIXELS columns. On lavapipe a load costs as much as thirty
// multiply-adds. So the lanes of a subgroup, which have different kernel rows, load the gradients of different channels
// and distribute them by shuffles. With three kernel rows (roll), the next output row reuses input of the previous one.
// A tile of 16 is faster than one of 32, although it loads more. Beyond about 600 multiply-adds and their loads, the
// loop overflows the instruction cache of 32 KiB. PIXELS is 4: with more, a step's inputs and gradients do not fit the
// vector registers.
//
// Workgroup (x, y, z): kernel rows x * lanes * units … of a group, output channels y * tile … (each group has whole
// tiles), and in z the part of the sum and group of columns. Each part of the sum goes to a separate slice; sum-slices adds the slices up in order.
<% if (k.lanes) { %>enable subgroups;<% } %>
struct Params {
  batch: u32,
  groups: u32,
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
  // Rows of blocks (batch * blocks of columns * outHeight) in one part of the sum.
  rowsPerSlice: u32,
  slices: u32,
}
<% if (k.texels) { %>
@group(0) @binding(0) var input: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var outputGrad: texture_storage_2d<rgba32float, read>;
<% } else { %>
@group(0) @binding(0) var<storage, read> input: array<<%= type(k.inVector) %>>;
@group(0) @binding(1) var<storage, read> outputGrad: array<<%= type(k.gradVector) %>>;
<% } %>
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
<% if (k.texels) { %>
<%~ include('/parts/texel-at.wgsl', { line: k.texels }) %>
<% } else if (k.inVector > 1) { %>
fn inputAt(i: u32) -> f32 {
  return input[i / <%= k.inVector %>u][i % <%= k.inVector %>u];
}
<% } %>
@compute @workgroup_size(<%= k.invocations %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let inChannels = params.inChannels / params.groups;
  let outChannels = params.outChannels / params.groups;
  let kernelRows = inChannels * params.kernelHeight;
  let firstKernelRow = (group.x * <%= k.invocations %>u + lane) * <%= k.units %>u;
  let tiles = (outChannels + <%= k.tile - 1 %>u) / <%= k.tile %>u;
  let groupOfChannels = group.y / tiles;
  let channelOfGroup0 = group.y % tiles * <%= k.tile %>u;
  let slice = group.z % params.slices;
  let tap0 = group.z / params.slices * <%= k.taps %>u;
  let columnShift = i32(tap0<%= times(k.dilationWidth) %>) - i32(params.paddingWidth);
  let width = i32(params.inWidth);
  let plane = params.outHeight * params.outWidth;
  let inPlane = params.inHeight * params.inWidth;
  let inImage = i32(params.inChannels * inPlane);
<% for (const u of range(k.units)) { %>
<% if (k.roll) { %>
  let kernelRow<%= u %> = min(firstKernelRow, kernelRows - 3u) + <%= u %>u;
<% } else { %>
  let kernelRow<%= u %> = min(firstKernelRow + <%= u %>u, kernelRows - 1u);
<% } %>
  let rowShift<%= u %> = i32(kernelRow<%= u %> % params.kernelHeight<%= times(k.dilationHeight) %>) - i32(params.paddingHeight);
  let unitStart<%= u %> = i32((groupOfChannels * inChannels + kernelRow<%= u %> / params.kernelHeight) * inPlane) + rowShift<%= u %> * width + columnShift;
<% } %>
<% for (const r of range(k.channelsPerLane)) { %>
  let ownChannel<%= r %> = groupOfChannels * outChannels + min(channelOfGroup0 + <%= k.lanes ? `lane * ${k.channelsPerLane}u + ` : '' %><%= r %>u, outChannels - 1u);
<% } %>
  // An array for the same reason as in rows.wgsl.
  var sums: array<f32, <%= Math.max(k.tile * k.units * k.taps, 224) %>>;
  let blocks = (params.outWidth + <%= k.pixels - 1 %>u) / <%= k.pixels %>u;
  let firstRow = slice * params.rowsPerSlice;
  let steps = min(params.rowsPerSlice, params.batch * blocks * params.outHeight - firstRow);
  // One loop over (image, block, outRow) that updates all three indices: nested loops halve the speed on lavapipe.
  var outRow = firstRow % params.outHeight;
  var column0 = firstRow / params.outHeight % blocks * <%= k.pixels %>u;
  var image = firstRow / params.outHeight / blocks;
<% if (k.roll) { %>
  // Input rows kept from step to step, initially those of the slice's first output row.
<% for (const r of range(3 - k.roll)) for (const c of k.columns) { %>
  var carried<%= r %>_<%= c %> = 0.0;
<% } %>
  {
    let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + columnShift;
    let start = i32(image) * inImage + i32((outRow * <%= k.roll %>u) * params.inWidth + column0 * <%= k.strideWidth %>u);
<% for (const { first } of k.loads) { %>
    let inside<%= first %> = u32(inColumn0 + <%= first %>) < params.inWidth;
<% } %>
<% for (const r of range(3 - k.roll)) { %>
<%~ include('/conv2d/parts/input-row.wgsl', { row: r, start: `start + unitStart${r}`, inside: `u32(i32(outRow * ${k.roll}u) + rowShift${r}) < params.inHeight` }) %>
<% for (const c of k.columns) { %>
    carried<%= r %>_<%= c %> = x<%= r %>_<%= c %>;
<% } } %>
  }
<% } %>
  for (var step = 0u; step < steps; step++) {
    let gradStart = image * params.outChannels * plane + outRow * params.outWidth + column0;
<% for (const r of range(k.channelsPerLane)) for (const { first, floats, masked } of k.gradLoads) {
  const name = `${floats === 1 ? 'g' : 'v'}${r}_${first}`;
  const inside = `column0 + ${first}u < params.outWidth`;
  const index = `gradStart + ownChannel${r} * plane + ${masked ? `select(0u, ${first}u, ${inside})` : '0u'}`;
  const grad = k.texels ? `texelAt(outputGrad, (${index}) / 4u)` : `outputGrad[(${index})${floats > 1 ? ` / ${floats}u` : ''}]`;
%>
    let <%= name %> = <%= masked ? `select(${type(floats)}(), ${grad}, ${inside})` : grad %>;
<% if (floats > 1) for (const i of range(floats)) { %>
    let g<%= r %>_<%= first + i %> = <%= name %>[<%= i %>];
<% } } %>
<% if (k.roll === 1) { %>
    let atTop = outRow == 0u;
<% } else { %>
    let inRow0 = i32(outRow * <%= k.roll ? `${k.roll}u` : 'params.strideHeight' %>);
    let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + columnShift;
    let start = i32(image) * inImage + inRow0 * width + i32(column0 * <%= k.strideWidth %>u);
<% for (const { first } of k.loads) { %>
    let inside<%= first %> = u32(inColumn0 + <%= first %>) < params.inWidth;
<% } %>
<% for (const u of range(k.units)) if (!k.roll || u > 0) { %>
    let rowInside<%= u %> = u32(inRow0 + rowShift<%= u %>) < params.inHeight;
<%~ include('/conv2d/parts/input-row.wgsl', { row: u, start: `start + unitStart${u}`, inside: `rowInside${u}` }) %>
<% } %>
<% if (k.roll) for (const c of k.columns) { %>
    let x0_<%= c %> = select(carried0_<%= c %>, 0.0, outRow == 0u);
    carried0_<%= c %> = x2_<%= c %>;
<% } } %>
    outRow++;
    let blockDone = outRow == params.outHeight;
    outRow = select(outRow, 0u, blockDone);
    column0 += select(0u, <%= k.pixels %>u, blockDone);
    let imageDone = column0 >= params.outWidth;
    column0 = select(column0, 0u, imageDone);
    image += select(0u, 1u, imageDone);
<% if (k.roll === 1) { %>
    // The row below; at the bottom of a block, where that is padding, the first row of the next block.
    let inColumn0 = i32(column0 * <%= k.strideWidth %>u) + columnShift;
    let start = i32(image) * inImage + i32(outRow * params.inWidth + column0 * <%= k.strideWidth %>u) + unitStart1;
    let more = image < params.batch;
<% for (const { first } of k.loads) { %>
    let inside<%= first %> = u32(inColumn0 + <%= first %>) < params.inWidth;
<% } %>
<%~ include('/conv2d/parts/input-row.wgsl', { row: 'Next', start: 'start', inside: 'more' }) %>
<% for (const c of k.columns) { %>
    let x0_<%= c %> = select(carried0_<%= c %>, 0.0, atTop);
    let x1_<%= c %> = carried1_<%= c %>;
    let x2_<%= c %> = select(xNext_<%= c %>, 0.0, blockDone);
    carried0_<%= c %> = x1_<%= c %>;
    carried1_<%= c %> = xNext_<%= c %>;
<% } } %>
<% for (const i of range(k.tile)) { %>
    {
<% for (const p of range(k.pixels)) { %>
<% if (k.lanes) { %>
      let a<%= p %> = subgroupShuffle(g<%= i % k.channelsPerLane %>_<%= p %>, <%= Math.floor(i / k.channelsPerLane) %>u);
<% } else { %>
      let a<%= p %> = g<%= i %>_<%= p %>;
<% } %>
<% } %>
<% for (const u of range(k.units)) for (const t of range(k.taps)) { %>
      sums[<%= (i * k.units + u) * k.taps + t %>] += <%= range(k.pixels).map((p) => `a${p} * x${u}_${p * k.strideWidth + t * k.dilationWidth}`).join(' + ') %>;
<% } %>
    }
<% } %>
  }
  let weights = kernelRows * params.kernelWidth;
  let channels = min(<%= k.tile %>u, outChannels - channelOfGroup0);
  let destination0 = (slice * params.outChannels + groupOfChannels * outChannels + channelOfGroup0) * weights + tap0;
  for (var i = 0u; i < channels; i++) {
    let destination = destination0 + i * weights + firstKernelRow * params.kernelWidth;
<% for (const u of range(k.units)) { %>
    if (firstKernelRow + <%= u %>u < kernelRows) {
<% for (const t of range(k.taps)) { %>
      weightGrad[destination + <%= u %>u * params.kernelWidth + <%= t %>u] = sums[i * <%= k.units * k.taps %>u + <%= u * k.taps + t %>u];
<% } %>
    }
<% } %>
  }
}
