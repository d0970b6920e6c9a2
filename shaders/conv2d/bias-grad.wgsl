// biasGrad[c] = Σ over images and pixels of outputGrad[n, c, i]. One workgroup per channel. Each invocation sums every
// 64th pixel of an image, then adds the images. A tree in workgroup memory adds the invocations, always in this order.
struct Params { batch: u32, channels: u32, planeSize: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read_write> biasGrad: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = group.y * groups.x + group.x;
  var sum = 0.0;
  if (channel < params.channels) {
    for (var image = 0u; image < params.batch; image++) {
      let start = (image * params.channels + channel) * params.planeSize;
      var imageSum = 0.0;
      for (var i = lane; i < params.planeSize; i += WORKGROUP) {
        imageSum += outputGrad[start + i];
      }
      sum += imageSum;
    }
  }
  sums[lane] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0u && channel < params.channels) {
    biasGrad[channel] = sums[0];
  }
}
