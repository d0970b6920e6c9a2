<%
// Constants: kernel, stride and padding; columns (outputs per invocation); loops (over the taps, instead of unrolling
// them: then columns is 1); inVector and outVector (values per load and store: 4, 2 or 1; 1 with loops); lanesX and
// lanesY (invocations per workgroup); argmax; half.
const range = (n) => [...Array(n).keys()];
// The columns of input that an invocation needs. A stride above the kernel skips some in between.
const inputColumns = range((k.columns - 1) * k.strideWidth + k.kernelWidth).filter((j) => j % k.strideWidth < k.kernelWidth);
// With vectors: columns that lie in the padding at the left edge, and elsewhere at the end of a vector.
const before = k.inVector > 1 ? range(k.paddingWidth) : [];
const vectors = k.inVector > 1 ? inputColumns.filter((j) => j >= k.paddingWidth && (j - k.paddingWidth) % k.inVector === 0) : [];
const type = (name, floats) => (floats === 1 ? name : `vec${floats}<${name}>`);
const covers = (c, j) => j >= c * k.strideWidth && j < c * k.strideWidth + k.kernelWidth;
%>
// Maximum over windows: input [planes, height, width] -> output [planes, outHeight, outWidth]. For backward it also
// stores the position of each maximum in its plane, y * width + x. Padding counts as minus infinity and is never
// chosen. As in torch, the first maximum in scan order wins, but a NaN beats every value, and the last NaN beats
// earlier ones.
//
// An invocation computes COLUMNS adjacent outputs of a row, and loads pixels that their windows share once. In place of
// padding it reads the nearest pixel of the image. The padding is at most half a window, so that pixel lies in the
// window too, and changes neither the maximum nor its position. Windows with too many taps to unroll use a loop.
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
<% if (k.loops) { %>
  // The window clipped to the image.
  let left = max(x * STRIDE.x, PADDING.x) - PADDING.x;
  let right = min(x * STRIDE.x + KERNEL.x - PADDING.x, params.width);
  let top = max(y * STRIDE.y, PADDING.y) - PADDING.y;
  let bottom = min(y * STRIDE.y + KERNEL.y - PADDING.y, params.height);
<% } else { %>
<% for (const j of inputColumns) { %>
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
    var best0 = Maximum(f32(input[plane + top * params.width + left]), top * params.width + left);
    for (var row = top; row < bottom; row++) {
      for (var column = left; column < right; column++) {
        let place = row * params.width + column;
        best0 = larger(best0, f32(input[plane + place]), place);
      }
    }
<% } else { %>
<% for (const i of range(k.kernelHeight)) { %>
<% for (const j of vectors) { %>
    let part<%= i %>_<%= j %> = <%= type('f32', k.inVector) %>(input[(plane + row<%= i %> + min(column<%= j %>, params.width - <%= k.inVector %>u)) / <%= k.inVector %>u]);
<%   for (const v of range(k.inVector)) { %>
    let value<%= i %>_<%= j + v %> = part<%= i %>_<%= j %>[<%= v %>];
<%   } } %>
<% for (const j of before) { %>
    let value<%= i %>_<%= j %> = select(f32(input[(plane + row<%= i %> + column<%= j %>) / <%= k.inVector %>u][<%= (k.inVector * k.paddingWidth + j - k.paddingWidth) % k.inVector %>]), value<%= i %>_<%= k.paddingWidth %>, x == 0u);
<% } %>
<% for (const j of inputColumns) { %>
    let place<%= i %>_<%= j %> = row<%= i %> + column<%= j %>;
<%   if (k.inVector === 1) { %>
    let value<%= i %>_<%= j %> = f32(input[plane + place<%= i %>_<%= j %>]);
<%   } %>
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
