<%
// For the values of k see stem.ts.
const range = (n) => [...Array(n).keys()];
const TILES = 2;
const SIDE = 9;
const type = (floats) => (floats === 1 ? 'f32' : `vec${floats}<f32>`);
const signed = (n) => (n < 0 ? `- ${-n}u` : `+ ${n}u`);
const name = (n) => (n < 0 ? `before${-n}` : `${n}`);
%>
// Convolution of 7×7 kernels with stride 2 for CPU adapters, if the input has few channels: the first layer of a
// ResNet.
//
// Along one axis the taps 0, 2 and 4 meet every second sample, and the taps 1, 3 and 5 the others. These are two
// convolutions with stride 1, by Winograd's F(2, 3) with 4 products each for 2 outputs; tap 6 adds 2 products. This
// makes 10 products instead of 14, and on both axes 100 for a tile of 2×2 outputs instead of 196. With F(2, 4) for the
// even taps it would make 81, at twice the rounding error.
//
// With 3 channels, stored products would be written and read again for every 3 multiply-adds. So one invocation does
// all three steps for 2 adjacent tiles. It transforms its patches once and keeps them. For one output channel after the
// other it adds the products and transforms the sums. The loop carries no sums, so no mask has to blend them. A
// subgroup shares a kernel's values, which stem-weight.wgsl writes, by shuffles.
enable subgroups;
struct Params {
  inHeight: u32,
  inWidth: u32,
  rowPadding: u32,
  columnPadding: u32,
  outChannels: u32,
  // Output channels of a workgroup.
  ownChannels: u32,
  outHeight: u32,
  outWidth: u32,
  // Segments of 2×4 outputs: rows of them, segments per row, and all of the batch.
  tileRows: u32,
  rowSegments: u32,
  segments: u32,
}
@group(0) @binding(0) var<storage, read> input: array<<%= type(k.inVector) %>>;
@group(0) @binding(1) var kernels: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read_write> output: array<<%= type(k.outVector) %>>;
@group(0) @binding(<%= k.normalised ? 5 : 3 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { ...k, binding: 3, type: type(k.outVector) }) %>
<% } %>

// Samples at the points 0, 1, -1 and ∞: the even ones, the odd ones, and those that meet the last tap.
fn transform(d: array<f32, 9>) -> array<f32, 10> {
  return array(
    d[0] - d[4],
    d[2] + d[4],
    d[4] - d[2],
    d[6] - d[2],
    d[1] - d[5],
    d[3] + d[5],
    d[5] - d[3],
    d[7] - d[3],
    d[6],
    d[8],
  );
}

// From the sums at 1, -1, 0 and ∞.
fn results(s: array<f32, 4>) -> vec2<f32> {
  return vec2((s[0] + s[1]) + s[2], (s[0] - s[1]) + s[3]);
}

@compute @workgroup_size(<%= k.lanes %>)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = (group.z * groups.x + group.x) * <%= k.lanes %>u + lane;
  // Invocations beyond the end take the last segment, because the others need the kernel values that they load.
  let segment = min(own, params.segments - 1u);
  let outColumn = segment % params.rowSegments * <%= 2 * TILES %>u;
  let outRow = segment / params.rowSegments % params.tileRows * 2u;
  let image = segment / params.rowSegments / params.tileRows;
  // Before the first row or column these wrap to huge values, which the comparisons also exclude.
  let firstRow = outRow * 2u - params.rowPadding;
  let firstColumn = outColumn * 2u - params.columnPadding;
<% for (const first of k.loads) { %>
  let inside<%= name(first) %> = firstColumn <%= signed(first) %> < params.inWidth;
<% } %>
  // A loop over rows: unrolled code would not fit the instruction cache.
  var d: array<f32, <%= k.channels * SIDE * k.columns %>>;
  for (var line = 0u; line < <%= k.channels * SIDE %>u; line++) {
    let row = firstRow + line % <%= SIDE %>u;
    let rowInside = row < params.inHeight;
    let start = ((image * <%= k.channels %>u + line / <%= SIDE %>u) * params.inHeight + row) * params.inWidth + firstColumn;
    let place = line * <%= k.columns %>u;
<% for (const first of k.loads) { const part = `part${name(first)}`; const inside = `rowInside && inside${name(first)}`; %>
    let <%= part %> = select(<%= type(k.inVector) %>(), input[select(0u, (start <%= signed(first) %>) / <%= k.inVector %>u, <%= inside %>)], <%= inside %>);
<% for (const c of range(k.inVector)) if (first + c >= 0 && first + c < k.columns) { %>
    d[place + <%= first + c %>u] = <%= part %><%= k.inVector > 1 ? `[${c}]` : '' %>;
<% } } %>
  }
<% for (const i of range(k.channels)) { %>
<% for (const c of range(k.columns)) { %>
  let half<%= i %>_<%= c %> = transform(array(<%= range(SIDE).map((r) => `d[${(i * SIDE + r) * k.columns + c}]`).join(', ') %>));
<% } %>
<% for (const r of range(SIDE + 1)) for (const t of range(TILES)) { %>
  let v<%= i %>_<%= r %>_<%= t %> = transform(array(<%= range(SIDE).map((c) => `half${i}_${c + 4 * t}[${r}]`).join(', ') %>));
<% } %>
<% } %>
  let plane = params.outHeight * params.outWidth;
  let channel0 = group.y * params.ownChannels;
  let end = min(channel0 + params.ownChannels, params.outChannels);
  var destination = ((image * params.outChannels + channel0) * params.outHeight + outRow) * params.outWidth + outColumn;
  for (var channel = channel0; channel < end; channel++) {
<% for (const q of range(k.vectorsPerLane)) { %>
    let k<%= q %> = textureLoad(kernels, vec2(lane + <%= q * k.lanes %>u, channel));
<% } %>
<% for (const { R, C, products, fresh } of k.sums) { %>
<% for (const { n, load, component, lane } of fresh) { %>
    let number<%= n %> = subgroupShuffle(k<%= load %>.<%= component %>, <%= lane %>u);
<% } %>
<% for (const t of range(TILES)) { %>
    let s<%= R %>_<%= C %>_<%= t %> = <%= products.map(({ r, c, i, n }) => `number${n} * v${i}_${r}_${t}[${c}]`).join(' + ') %>;
<% } %>
<% if (R === 3) for (const t of range(TILES)) { %>
    let column<%= C %>_<%= t %> = results(array(<%= range(4).map((R) => `s${R}_${C}_${t}`).join(', ') %>));
<% } } %>
<% if (k.normalised) { %>
    let norm = table[channel];
<% } %>
<% for (const row of range(2)) { %>
<% for (const t of range(TILES)) { %>
    let y<%= row %>_<%= t %> = results(array(<%= range(4).map((C) => `column${C}_${t}[${row}]`).join(', ') %>));
<% } %>
    if (own < params.segments && outRow + <%= row %>u < params.outHeight) {
<% for (let c = 0; c < 2 * TILES; c += k.outVector) {
  const parts = range(k.outVector).map((i) => `y${row}_${(c + i) >> 1}[${(c + i) & 1}]`);
  const value = k.outVector === 1 ? parts[0] : `${type(k.outVector)}(${parts.join(', ')})`;
%>
      if (outColumn + <%= c %>u < params.outWidth) {
        let place = (destination + <%= row %>u * params.outWidth + <%= c %>u) / <%= k.outVector %>u;
        output[place] = <%= k.normalised ? `normalised(${value}, norm, place)` : value %>;
      }
<% } %>
    }
<% } %>
    destination += plane;
  }
}
