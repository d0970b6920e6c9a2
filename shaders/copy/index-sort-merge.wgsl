// Merges sorted runs of `width` pairs (index, j) in twos. An invocation moves one pair: by its place in its own run, and
// the number of pairs of the other run that come before it, found by halving.
struct Params { count: u32, width: u32 }
@group(0) @binding(0) var<storage, read> input: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> sorted: array<vec2<u32>>;
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
    let at = first + n * WORKGROUP;
    if (at >= params.count) { return; }
    let own = input[at];
    // The width is a power of two.
    let start = at & ~(params.width - 1u);
    let other = start ^ params.width;
    var low = min(other, params.count);
    var high = min(other + params.width, params.count);
    while (low < high) {
      let middle = (low + high) / 2u;
      let index = input[middle].x;
      // Of equal indices, those of the earlier run come first.
      if (index < own.x || (index == own.x && other < start)) { low = middle + 1u; } else { high = middle; }
    }
    sorted[min(start, other) + (at - start) + (low - min(other, params.count))] = own;
  }
}
