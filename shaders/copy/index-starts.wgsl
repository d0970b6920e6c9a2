// starts[v] = the number of pairs whose index is below v, found by halving: those of index v are the pairs from
// starts[v] up to starts[v + 1].
struct Params { count: u32, pairs: u32 }
@group(0) @binding(0) var<storage, read> sorted: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> starts: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/copy/parts/values.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var n = 0u; n < ITEMS; n++) {
    let v = first + n * WORKGROUP;
    if (v >= params.count) { return; }
    var low = 0u;
    var high = params.pairs;
    while (low < high) {
      let middle = (low + high) / 2u;
      if (sorted[middle].x < v) { low = middle + 1u; } else { high = middle; }
    }
    starts[v] = low;
  }
}
