<%
// For the values of k see depthwise-weight-grad.ts and depthwise-walk.ts.
const range = (n) => [...Array(n).keys()];
const type = (floats) => (floats === 1 ? 'f32' : `vec${floats}<f32>`);
const grads = range(k.pixels / k.gradVector).map((i) => i * k.gradVector);
%>
// Weight gradient of a convolution of each input channel with kernels of its own. NCHW tensors, OIHW weights.
//
// An invocation sums every `slices`-th walk of one output channel, over all images. It walks as in depthwise.wgsl, with
// a sum for each tap. Each slice goes to a separate place; sum-slices adds the slices up in order.
struct Params {
  // Of a channel; strips of a plane, and walks down a strip.
  walks: u32,
  strips: u32,
  lines: u32,
  rowStep: u32,
  rowsPerWalk: u32,
  slices: u32,
  inChannels: u32,
  outChannels: u32,
  inHeight: u32,
  inWidth: u32,
  outHeight: u32,
  outWidth: u32,
  strideHeight: u32,
  dilationHeight: u32,
  paddingHeight: u32,
  paddingWidth: u32,
}
@group(0) @binding(0) var<storage, read> input: array<<%= type(k.inVector) %>>;
@group(0) @binding(1) var<storage, read> outputGrad: array<<%= type(k.gradVector) %>>;
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const PIXELS = <%= k.pixels %>u;
const TAPS = <%= k.tapRows * k.tapColumns %>u;
<% if (k.inVector > 1) { %>

fn inputAt(i: u32) -> f32 {
  return input[i / <%= k.inVector %>u][i % <%= k.inVector %>u];
}
<% } %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (place >= params.slices * params.outChannels) {
    return;
  }
  // Neighbours have adjacent strips.
  let slice = place % params.slices;
  let channel = place / params.slices;
  let inChannel = channel / (params.outChannels / params.inChannels);
  let dilation = i32(params.dilationHeight);
  let width = i32(params.inWidth);
<% for (const r of range(k.tapRows)) for (const c of range(k.tapColumns)) { %>
  var sum<%= r %>_<%= c %> = 0.0;
<% } %>
  for (var walk = slice; walk < params.walks; walk += params.slices) {
    let column0 = walk % params.strips * PIXELS;
    let line = walk / params.strips % params.lines;
    let image = walk / params.strips / params.lines;
    let row0 = line % params.rowStep + line / params.rowStep * params.rowsPerWalk * params.rowStep;
    let rowEnd = min(row0 + params.rowsPerWalk * params.rowStep, params.outHeight);
    let plane = i32((image * params.inChannels + inChannel) * params.inHeight * params.inWidth);
    let gradPlane = (image * params.outChannels + channel) * params.outHeight * params.outWidth;
    let inColumn0 = i32(column0 * <%= k.strideWidth %>u) - i32(params.paddingWidth);
    var inRow = i32(row0 * params.strideHeight) - i32(params.paddingHeight);
<%~ include('/conv2d/parts/window-start.wgsl') %>
    for (var row = row0; row < rowEnd; row += params.rowStep) {
<%~ include('/conv2d/parts/window-step.wgsl') %>
      let gradStart = gradPlane + row * params.outWidth + column0;
<% for (const p of grads) { const at = (i) => `outputGrad[(${i})${k.gradVector > 1 ? ` / ${k.gradVector}u` : ''}]`; %>
<%   if (p === 0 || k.whole) { %>
      let v<%= p %> = <%= at(`gradStart + ${p}u`) %>;
<%   } else { %>
      let inside<%= p %>Grad = column0 + <%= p %>u < params.outWidth;
      let v<%= p %> = select(<%= type(k.gradVector) %>(), <%= at(`select(0u, gradStart + ${p}u, inside${p}Grad)`) %>, inside<%= p %>Grad);
<%   } %>
<%   for (const i of range(k.gradVector)) { %>
      let g<%= p + i %> = v<%= p %><%= k.gradVector > 1 ? `[${i}]` : '' %>;
<%   } %>
<% } %>
<% for (const r of range(k.tapRows)) for (const c of range(k.tapColumns)) { %>
      sum<%= r %>_<%= c %> += <%= range(k.pixels).map((p) => `g${p} * x${r}_${p * k.strideWidth + c * k.dilationWidth}`).join(' + ') %>;
<% } %>
      inRow += i32(params.rowStep * params.strideHeight);
    }
  }
  let weight0 = (slice * params.outChannels + channel) * TAPS;
<% for (const r of range(k.tapRows)) for (const c of range(k.tapColumns)) { %>
  weightGrad[weight0 + <%= r * k.tapColumns + c %>u] = sum<%= r %>_<%= c %>;
<% } %>
}
