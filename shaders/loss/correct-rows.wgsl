// correct[n] = 1 where the first maximum of logits[n, …] is at index labels[n], else 0. As in torch, a NaN counts as
// the largest value. One workgroup per row; an invocation checks every 64th class, and a tree combines the candidates.
struct Params { rows: u32, classes: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> correct: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

var<workgroup> places: array<u32, WORKGROUP>;

fn isNan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

// Whether the class at index b of logits beats the one at index a.
fn beats(b: u32, a: u32) -> bool {
  let valueA = logits[a];
  let valueB = logits[b];
  if (isNan(valueA) || isNan(valueB)) {
    return isNan(valueB) && (!isNan(valueA) || b < a);
  }
  return valueB > valueA || (valueB == valueA && b < a);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var n = group.x; n < params.rows; n += groups.x) {
    let row = n * params.classes;
    var best = row + min(lane, params.classes - 1u);
    for (var c = lane + WORKGROUP; c < params.classes; c += WORKGROUP) {
      if (beats(row + c, best)) { best = row + c; }
    }
    places[lane] = best;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
      if (lane < half && beats(places[lane + half], places[lane])) { places[lane] = places[lane + half]; }
      workgroupBarrier();
    }
    if (lane == 0u) { correct[n] = select(0u, 1u, places[0] - row == labels[n]); }
    // The next row must not overwrite places[0] before every invocation has read it.
    workgroupBarrier();
  }
}
