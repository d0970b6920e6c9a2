<%
const axes = [...Array(k.rank).keys()];
const type = k.vector ? 'vec4<u32>' : 'u32';
const offset = (side) => [`params.${side}Offset`, ...axes.map((a) => `i32(place.i${a}) * params.${side}${a}`)].join(' + ');
%>
// output[outputOffset + sum of i_a * output_a] = input[inputOffset + sum of i_a * input_a] over all places i of a walk
// over RANK axes; elements of four bytes, copied by their bits, or four at a time.
struct Params {
  count: u32, inputOffset: i32, outputOffset: i32,
<% for (const a of axes) { %>
  extent<%= a %>: u32, input<%= a %>: i32, output<%= a %>: i32,
<% } %>
}
@group(0) @binding(0) var<storage, read> input: array<<%= type %>>;
@group(0) @binding(1) var<storage, read_write> output: array<<%= type %>>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/copy/parts/walk.wgsl', k) %>

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
    output[<%= offset('output') %>] = input[<%= offset('input') %>];
    place = next(place);
  }
}
