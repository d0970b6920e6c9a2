// sorted = the pairs (index[j], j), sorted within each block of BLOCK. An invocation counts the pairs of its block that
// come before its own. Pairs are in the order of the index, equal ones in the order of j, so that sums over equal
// indices have one order.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> index: array<u32>;
@group(0) @binding(1) var<storage, read_write> sorted: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

const BLOCK = <%= k.block %>u;
<%~ include('/copy/parts/values.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var n = 0u; n < ITEMS; n++) {
    let j = first + n * WORKGROUP;
    if (j >= params.count) { return; }
    let own = index[j];
    let start = j - j % BLOCK;
    let end = min(start + BLOCK, params.count);
    var place = start;
    for (var other = start; other < j; other++) { place += select(0u, 1u, index[other] <= own); }
    for (var other = j + 1u; other < end; other++) { place += select(0u, 1u, index[other] < own); }
    sorted[place] = vec2<u32>(own, j);
  }
}
