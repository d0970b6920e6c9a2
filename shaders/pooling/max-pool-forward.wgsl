<%
// Constants: kernel, stride, padding and dilation; columns (outputs per invocation); loops (over the taps, instead of
// unrolling them: then columns is 1); inVector and outVector (values per load and store: 4, 2 or 1; 1 with loops);
// lanesX and lanesY (invocations per workgroup); argmax; half. A dilation above 1 requires loops.
const range = (n) => [...Array(n).keys()];
const type = (name, floats) => (floats === 1 ? name : `vec${floats}<${name}>`);
const covers = (c, j) => j >= c * k.strideWidth && j < c * k.strideWidth + k.kernelWidth;
const dilated = k.dilationHeight > 1 || k.dilationWidth > 1;
%>
// Maximum over windows: input [planes, height, width] -> output [planes, outHeight, outWidth]. For backward it also
// stores the position of each maximum in its plane, y * width + x. Padding counts as minus infinity and is never
// chosen. As in torch, the first maximum in scan order wins, but a NaN beats every value, and the last NaN beats
// earlier ones.
//
// An invocation computes COLUMNS adjacent outputs of a row, and loads pixels that their windows share once. In place of
// padding, and of what lies beyond it, it reads the nearest pixel of the image. The padding is at most half a window,
// and every window begins before the image ends, so that pixel lies in the window too, and changes neither the maximum
// nor its position. Windows with too many taps to unroll, and windows with gaps, use a loop.
//
// Vectors require rows that divide into them, and windows that do not reach beyond the last column.
<%~ include('/parts/stored.wgsl', k) %>

struct Params { planes: u32, height: u32, width: u32, outHeight: u32, outWidth: u32 }
@group(0) @binding(0) var<storage, read> input: array<<%= type('Stored', k.inVector) %>>;
@group(0) @binding(1) var<storage, read_write> output: array<<%= type('Stored', k.outVector) %>>;
<% if (k.argmax) { %>
@group(0) @binding(2) var<storage, read_write> argmax: array<<%= type('u32', k.outVector) %>>;
@group(0) @binding(3) var<uniform> params: Params;
<% } else { %>
@group(0) @binding(2) var<uniform> params: Params;
<% } %>

const KERNEL = vec2<u32>(<%= k.kernelWidth %>u, <%= k.kernelHeight %>u);
const STRIDE = vec2<u32>(<%= k.strideWidth %>u, <%= k.strideHeight %>u);
const PADDING = vec2<u32>(<%= k.paddingWidth %>u, <%= k.paddingHeight %>u);
const COLUMNS = <%= k.columns %>u;
// On a CPU adapter 8 invocations, one vector, take adjacent outputs: as much of a row as there is.
const LANES_X = <%= k.lanesX %>u;
const LANES_Y = <%= k.lanesY %>u;
const WORKGROUP = LANES_X * LANES_Y;
<% if (dilated) { %>
const DILATION = vec2<u32>(<%= k.dilationWidth %>u, <%= k.dilationHeight %>u);
// The position of no pixel.
const NOWHERE = 0xffffffffu;
<% } %>

struct Maximum { value: f32, place: u32 }

fn larger(best: Maximum, value: f32, place: u32) -> Maximum {
  // A compiler may optimise away a comparison of NaN with itself, but not a test of the bits.
  let isNan = (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
  let wins = value > best.value || isNan;
  return Maximum(select(best.value, value, wins), select(best.place, place, wins));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let x = (group.x * LANES_X + lane % LANES_X) * COLUMNS;
  let y = group.y * LANES_Y + lane / LANES_X;
  if (x >= params.outWidth || y >= params.outHeight) { return; }
<% if (dilated) { %>
  // The taps in the image: from the first of a row or column, up to the end of the window.
  let start = vec2(x, y) * STRIDE;
  let skipped = (max(start, PADDING) - start + DILATION - 1u) / DILATION;
  let first = start + skipped * DILATION - PADDING;
  let reach = start + (KERNEL - 1u) * DILATION + 1u - PADDING;
  let left = first.x;
  let right = min(reach.x, params.width);
  let top = first.y;
  let bottom = min(reach.y, params.height);
  let misses = left >= params.width || top >= params.height;
  var infinity = 0xff800000u;
<% } else if (k.loops) { %>
  // The window clipped to the image.
  let left = max(x * STRIDE.x, PADDING.x) - PADDING.x;
  let right = min(x * STRIDE.x + KERNEL.x - PADDING.x, params.width);
  let top = max(y * STRIDE.y, PADDING.y) - PADDING.y;
  let bottom = min(y * STRIDE.y + KERNEL.y - PADDING.y, params.height);
<% } else { %>
<% for (const j of k.inputColumns) { %>
  let column<%= j %> = min(max(x * STRIDE.x + <%= j %>u, PADDING.x) - PADDING.x, params.width - 1u);
<% } %>
<% for (const i of range(k.kernelHeight)) { %>
  let row<%= i %> = min(max(y * STRIDE.y + <%= i %>u, PADDING.y) - PADDING.y, params.height - 1u) * params.width;
<% } %>
<% } %>
  for (var p = group.z; p < params.planes; p += groups.z) {
    let plane = p * params.height * params.width;
    let o = (p * params.outHeight + y) * params.outWidth + x;
<% if (k.loops) { %>
<%   if (dilated) { %>
    // A window whose taps all miss the image has no maximum.
    let place0 = select(top * params.width + left, NOWHERE, misses);
    var best0 = Maximum(bitcast<f32>(infinity), place0);
    if (!misses) { best0.value = f32(input[plane + place0]); }
    for (var row = top; row < bottom; row += DILATION.y) {
      for (var column = left; column < right; column += DILATION.x) {
<%   } else { %>
    var best0 = Maximum(f32(input[plane + top * params.width + left]), top * params.width + left);
    for (var row = top; row < bottom; row++) {
      for (var column = left; column < right; column++) {
<%   } %>
        let place = row * params.width + column;
        best0 = larger(best0, f32(input[plane + place]), place);
      }
    }
<% } else { %>
<% for (const i of range(k.kernelHeight)) { %>
<%~ include('/pooling/parts/row.wgsl', { ...k, row: i }) %>
<% for (const j of k.inputColumns) { %>
    let place<%= i %>_<%= j %> = row<%= i %> + column<%= j %>;
<%   for (const c of range(k.columns)) if (covers(c, j)) { %>
<%     if (i === 0 && j === c * k.strideWidth) { %>
    var best<%= c %> = Maximum(value<%= i %>_<%= j %>, place<%= i %>_<%= j %>);
<%     } else { %>
    best<%= c %> = larger(best<%= c %>, value<%= i %>_<%= j %>, place<%= i %>_<%= j %>);
<%     } %>
<%   } %>
<% } } %>
<% } %>
<% for (let c = 0; c < k.columns; c += k.outVector) { const all = (part) => range(k.outVector).map((v) => `best${c + v}.${part}`).join(', '); %>
    if (x + <%= c %>u < params.outWidth) {
      output[(o + <%= c %>u) / <%= k.outVector %>u] = <%= type('Stored', k.outVector) %>(<%= k.outVector === 1 ? all('value') : `${type('f32', k.outVector)}(${all('value')})` %>);
<%   if (k.argmax) { %>
      argmax[(o + <%= c %>u) / <%= k.outVector %>u] = <%= type('u32', k.outVector) %>(<%= all('place') %>);
<%   } %>
    }
<% } %>
  }
}
