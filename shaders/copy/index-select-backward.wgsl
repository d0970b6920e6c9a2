<% const type = k.vector ? 'vec4<f32>' : 'f32'; %>
// inputGrad[o, v, i] = sum of outputGrad[o, j, i] over the j with index[j] == v, in their order. These j are the pairs
// from starts[v] up to starts[v + 1]. Runs of RUN gradients are summed first, so that no chain of additions is long.
// The row `without` gets no gradient.
struct Params { count: u32, picked: u32, extent: u32, inner: u32, without: u32 }
@group(0) @binding(0) var<storage, read> sorted: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> outputGrad: array<<%= type %>>;
@group(0) @binding(3) var<storage, read_write> inputGrad: array<<%= type %>>;
@group(0) @binding(4) var<uniform> params: Params;

const RUN = 32u;
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
    let i = at - row * params.inner;
    let outer = row / params.extent;
    let v = row - outer * params.extent;
    let last = select(starts[v + 1u], 0u, v == params.without);
    var sum = <%= type %>();
    for (var start = starts[v]; start < last; start += RUN) {
      let end = min(start + RUN, last);
      var run = <%= type %>();
      for (var p = start; p < end; p++) {
        run += outputGrad[(outer * params.picked + sorted[p].y) * params.inner + i];
      }
      sum += run;
    }
    inputGrad[at] = sum;
  }
}
