// Given: run, the number of values in a sum; 1 to write each value.
// An invocation sums RUN of the `count` values that valueAt() gives, a workgroup apart, so adjacent invocations read
// adjacent values. A place of WORKGROUP · RUN values makes WORKGROUP sums, the last one as many as it has lanes with a
// value.
const WORKGROUP = 64u;
const RUN = <%= k.run %>u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = group.y * groups.x + group.x;
  let first = place * (WORKGROUP * RUN) + lane;
  if (first >= params.count) { return; }
  let end = min((place + 1u) * (WORKGROUP * RUN), params.count);
  var sum = 0.0;
  for (var i = first; i < end; i += WORKGROUP) { sum += valueAt(i); }
  output[place * WORKGROUP + lane] = sum;
}
