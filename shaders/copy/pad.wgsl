<%
const axes = [...Array(k.rank).keys()];
const type = k.vector ? 'vec4<u32>' : 'u32';
const mode = ['constant', 'reflect', 'replicate', 'circular'][k.mode];
%>
// output = input with more (or fewer) elements before and after it on each of RANK axes, <%= mode %>; elements of four
// bytes, copied by their bits, or four at a time. An invocation finds the element of the input that each of its outputs
// shows.
struct Params {
  count: u32, fill: u32,
<% for (const a of axes) { %>
  extent<%= a %>: u32, inside<%= a %>: i32, before<%= a %>: i32,
<% } %>
}
@group(0) @binding(0) var<storage, read> input: array<<%= type %>>;
@group(0) @binding(1) var<storage, read_write> output: array<<%= type %>>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/copy/parts/walk.wgsl', k) %>

// The place in the input of place `i` of the output, along one axis.
fn shown(i: u32, inside: i32, before: i32) -> i32 {
  let j = i32(i) - before;
<% if (mode === 'reflect') { %>
  return select(abs(j), 2 * (inside - 1) - j, j >= inside);
<% } else if (mode === 'replicate') { %>
  return clamp(j, 0, inside - 1);
<% } else if (mode === 'circular') { %>
  return j + select(0, inside, j < 0) - select(0, inside, j >= inside);
<% } else { %>
  return j;
<% } %>
}

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
    var source = 0;
<% if (mode === 'constant') { %>
    var inside = true;
<% } %>
<% for (const a of axes) { %>
    let j<%= a %> = shown(place.i<%= a %>, params.inside<%= a %>, params.before<%= a %>);
    source = source * params.inside<%= a %> + j<%= a %>;
<%   if (mode === 'constant') { %>
    inside &= (j<%= a %> >= 0) & (j<%= a %> < params.inside<%= a %>);
<%   } %>
<% } %>
<% if (mode === 'constant') { %>
    output[at] = select(<%= type %>(params.fill), input[select(0, source, inside)], inside);
<% } else { %>
    output[at] = input[source];
<% } %>
    place = next(place);
  }
}
