<% const type = k.vector ? 'vec4<u32>' : 'u32'; %>
// output[o, j, i] = input[o, index[j], i]: rows of `inner` values, copied by their bits. Where index[j] is no row of the
// input, the row has the bits `missing`: a shader cannot throw, but a NaN is visible.
struct Params { count: u32, picked: u32, extent: u32, inner: u32, missing: u32 }
@group(0) @binding(0) var<storage, read> input: array<<%= type %>>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<<%= type %>>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('/copy/parts/values.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var n = 0u; n < ITEMS; n++) {
    let at = first + n * WORKGROUP;
    if (at >= params.count) { return; }
    let row = at / params.inner;
    let outer = row / params.picked;
    let picked = index[row - outer * params.picked];
    var value = <%= type %>(params.missing);
    if (picked < params.extent) {
      value = input[(outer * params.extent + picked) * params.inner + at - row * params.inner];
    }
    output[at] = value;
  }
}
