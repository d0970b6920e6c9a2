<%
const axes = [...Array(k.rank).keys()];
// The others have one copy of each place, so they need no loop.
const padded = axes.filter((a) => (k.padded >> a) & 1);
const mode = ['constant', 'reflect', 'replicate', 'circular'][k.mode];
%>
// Gradient of padding by <%= mode %>: inputGrad = sum of outputGrad over the places that show the input's element, in the
// order of these places. An axis at a time: the innermost sums are added first.
struct Params {
  count: u32,
<% for (const a of axes) { %>
  extent<%= a %>: u32, padded<%= a %>: i32, before<%= a %>: i32,
<% } %>
}
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/copy/parts/walk.wgsl', k) %>

<% if (mode === 'replicate') { %>
fn copyOf(t: i32, i: i32, extent: i32, before: i32) -> i32 {
  return t;
}

// The copies of place `i` along one axis are those from .x to .y: one, and at an edge those beyond it.
fn copiesOf(i: i32, extent: i32, padded: i32, before: i32) -> vec2<i32> {
  let own = i + before;
  return vec2<i32>(select(max(own, 0), 0, i == 0), select(min(own, padded - 1), padded - 1, i == extent - 1));
}
<% } else { %>
// Copy `t` of place `i` along one axis: that before the input, that within and that after it.
fn copyOf(t: i32, i: i32, extent: i32, before: i32) -> i32 {
<%   if (mode === 'reflect') { %>
  return before + select(select(i, 2 * (extent - 1) - i, t == 2), -i, t == 0);
<%   } else { %>
  return before + i + (t - 1) * extent;
<%   } %>
}

// The copies that exist are those from .x to .y: their places ascend, and an end of the output cuts off the rest.
fn copiesOf(i: i32, extent: i32, padded: i32, before: i32) -> vec2<i32> {
  let places = vec3<i32>(copyOf(0, i, extent, before), copyOf(1, i, extent, before), copyOf(2, i, extent, before));
  var first = select(select(select(3, 2, places.z >= 0), 1, places.y >= 0), 0, places.x >= 0);
  var last = select(select(select(-1, 0, places.x < padded), 1, places.y < padded), 2, places.z < padded);
<%   if (mode === 'reflect') { %>
  // An edge is not its own reflection.
  first = max(first, select(0, 1, i == 0));
  last = min(last, select(2, 1, i == extent - 1));
<%   } %>
  return vec2<i32>(first, last);
}
<% } %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = ((group.y * groups.x + group.x) * WORKGROUP + lane) * RUN;
  if (first >= params.count) { return; }
  var place = placeOf(first);
  for (var at = first; at < min(first + RUN, params.count); at++) {
<% for (const a of padded) { %>
    let i<%= a %> = i32(place.i<%= a %>);
    let extent<%= a %> = i32(params.extent<%= a %>);
    let copies<%= a %> = copiesOf(i<%= a %>, extent<%= a %>, params.padded<%= a %>, params.before<%= a %>);
<% } %>
<% for (const a of axes) { const row = a === 0 ? '' : `row${a - 1} * params.padded${a} + `; %>
<%   if (padded.includes(a)) { %>
    var sum<%= a %> = 0.0;
    for (var t<%= a %> = copies<%= a %>.x; t<%= a %> <= copies<%= a %>.y; t<%= a %>++) {
      let row<%= a %> = <%= row %>copyOf(t<%= a %>, i<%= a %>, extent<%= a %>, params.before<%= a %>);
<%   } else { %>
      let row<%= a %> = <%= row %>i32(place.i<%= a %>);
<%   } %>
<% } %>
<% for (const [i, a] of [...padded].reverse().entries()) { %>
      sum<%= a %> += <%= i === 0 ? `outputGrad[row${k.rank - 1}]` : `sum${padded.at(-i)}` %>;
    }
<% } %>
    inputGrad[at] = sum<%= padded[0] %>;
    place = next(place);
  }
}
