// biasGrad[o] = sum over n of outputGrad[n, o]. One invocation per output feature, four accumulators.
struct Params { rows: u32, outFeatures: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read_write> biasGrad: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let size = params.outFeatures;
  for (var o = group.x * WORKGROUP + lane; o < size; o += groups.x * WORKGROUP) {
    var sums = vec4<f32>();
    var n = 0u;
    for (; n + 3u < params.rows; n += 4u) {
      let g = n * size + o;
      sums += vec4<f32>(outputGrad[g], outputGrad[g + size], outputGrad[g + 2u * size], outputGrad[g + 3u * size]);
    }
    for (; n < params.rows; n++) { sums.x += outputGrad[n * size + o]; }
    biasGrad[o] = (sums.x + sums.y) + (sums.z + sums.w);
  }
}
