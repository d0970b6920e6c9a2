// weightGrad[o, i] = sum over n of outputGrad[n, o] * input[n, i]; [outFeatures, inFeatures].
// Workgroups along y take output features, along x 64 input features each. An invocation sums one element over the rows
// in four accumulators; adjacent invocations read adjacent inputs.
struct Params { rows: u32, inFeatures: u32, outFeatures: u32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let size = params.inFeatures;
  for (var o = group.y; o < params.outFeatures; o += groups.y) {
    for (var i = group.x * WORKGROUP + lane; i < size; i += groups.x * WORKGROUP) {
      var sums = vec4<f32>();
      var n = 0u;
      for (; n + 3u < params.rows; n += 4u) {
        let x = n * size + i;
        let g = n * params.outFeatures + o;
        sums += vec4<f32>(input[x], input[x + size], input[x + 2u * size], input[x + 3u * size])
          * vec4<f32>(
            outputGrad[g],
            outputGrad[g + params.outFeatures],
            outputGrad[g + 2u * params.outFeatures],
            outputGrad[g + 3u * params.outFeatures],
          );
      }
      for (; n < params.rows; n++) { sums.x += input[n * size + i] * outputGrad[n * params.outFeatures + o]; }
      weightGrad[o * size + i] = (sums.x + sums.y) + (sums.z + sums.w);
    }
  }
}
