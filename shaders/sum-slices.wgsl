// output[i] = slices[0][i] + slices[1][i] + …, in this order: the second half of a sum that was split over workgroups.
// If it is normalised, the output is [batch, channels, plane]. Output and residual may be f16.
<%~ include('/parts/stored.wgsl', k) %>

struct Params { count: u32, slices: u32, channels: u32, plane: u32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<Stored>;
@group(0) @binding(<%= k.normalised ? 4 : 2 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { ...k, binding: 2, type: 'f32', stored: 'Stored' }) %>
<% } %>

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.count) {
    return;
  }
  var sum = 0.0;
  for (var slice = 0u; slice < params.slices; slice++) {
    sum += input[slice * params.count + i];
  }
  output[i] = Stored(<%= k.normalised ? 'normalised(sum, table[i / params.plane % params.channels], i)' : 'sum' %>);
}
