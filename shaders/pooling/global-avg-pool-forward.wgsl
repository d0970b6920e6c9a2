// Global average: input [planes, plane] -> output [planes], NaN for planes without elements.
//
// One invocation per plane. At the end of a net planes are small and many (7 x 7, thousands), so a workgroup per plane
// would mostly wait at barriers. Partial sums of RUN elements each are then added, which limits rounding on large
// planes.
<%~ include('/parts/stored.wgsl', k) %>

struct Params { planes: u32, plane: u32 }
@group(0) @binding(0) var<storage, read> input: array<Stored>;
@group(0) @binding(1) var<storage, read_write> output: array<Stored>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
const RUN = 32u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (p >= params.planes) { return; }
  let last = (p + 1u) * params.plane;
  var sum = 0.0;
  for (var start = p * params.plane; start < last; start += RUN) {
    let end = min(start + RUN, last);
    var run = 0.0;
    for (var i = start; i < end; i++) { run += f32(input[i]); }
    sum += run;
  }
  // An empty plane has no mean. A constant NaN does not compile, but one of a variable's bits does.
  var bits = 0x7fc00000u;
  var mean = bitcast<f32>(bits);
  if (params.plane > 0u) { mean = sum / f32(params.plane); }
  output[p] = Stored(mean);
}
