// inputGrad[n, i] = sum over o of outputGrad[n, o] * weight[o, i]; [rows, inFeatures].
// Workgroups along y take rows, along x 64 features each. An invocation sums one element in four accumulators; adjacent
// invocations read adjacent weights.
struct Params { rows: u32, inFeatures: u32, outFeatures: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let size = params.inFeatures;
  for (var n = group.y; n < params.rows; n += groups.y) {
    let row = n * params.outFeatures;
    for (var i = group.x * WORKGROUP + lane; i < size; i += groups.x * WORKGROUP) {
      var sums = vec4<f32>();
      var o = 0u;
      for (; o + 3u < params.outFeatures; o += 4u) {
        let w = o * size + i;
        sums += vec4<f32>(outputGrad[row + o], outputGrad[row + o + 1u], outputGrad[row + o + 2u], outputGrad[row + o + 3u])
          * vec4<f32>(weight[w], weight[w + size], weight[w + 2u * size], weight[w + 3u * size]);
      }
      for (; o < params.outFeatures; o++) { sums.x += outputGrad[row + o] * weight[o * size + i]; }
      inputGrad[n * size + i] = (sums.x + sums.y) + (sums.z + sums.w);
    }
  }
}
