// Gradient of max pooling: inputGrad [planes, height, width] from outputGrad and argmax [planes, outHeight, outWidth].
//
// Gathers instead of scattering: each input pixel looks at the windows that cover it, row by row, and sums the gradients of
// those whose maximum it is. So no atomics, and a fixed order. Tiles as in max-pool-forward.wgsl, over the input; the
// stride is a constant of the shader because dividing by a constant is a multiplication.
struct Params { planes: u32, height: u32, width: u32, outHeight: u32, outWidth: u32 }
@group(0) @binding(0) var<storage, read> argmax: array<u32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const KERNEL = vec2<u32>(<%= k.kernelWidth %>u, <%= k.kernelHeight %>u);
const STRIDE = vec2<u32>(<%= k.strideWidth %>u, <%= k.strideHeight %>u);
const PADDING = vec2<u32>(<%= k.paddingWidth %>u, <%= k.paddingHeight %>u);
const TILE = 8u;
const ITEMS = 4u;
const WORKGROUP = TILE * TILE;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let x = group.x * TILE + lane % TILE;
  let firstY = group.y * TILE * ITEMS + lane / TILE;
  if (x >= params.width) { return; }
  // Window o covers the padded positions o * STRIDE up to o * STRIDE + KERNEL - 1.
  let left = select(0u, (x + PADDING.x - KERNEL.x) / STRIDE.x + 1u, x + PADDING.x >= KERNEL.x);
  let right = min((x + PADDING.x) / STRIDE.x + 1u, params.outWidth);
  for (var p = group.z; p < params.planes; p += groups.z) {
    for (var j = 0u; j < ITEMS; j++) {
      let y = firstY + j * TILE;
      if (y < params.height) {
        let place = y * params.width + x;
        let top = select(0u, (y + PADDING.y - KERNEL.y) / STRIDE.y + 1u, y + PADDING.y >= KERNEL.y);
        let bottom = min((y + PADDING.y) / STRIDE.y + 1u, params.outHeight);
        var sum = 0.0;
        for (var row = top; row < bottom; row++) {
          for (var column = left; column < right; column++) {
            let o = (p * params.outHeight + row) * params.outWidth + column;
            if (argmax[o] == place) { sum += outputGrad[o]; }
          }
        }
        inputGrad[p * params.height * params.width + place] = sum;
      }
    }
  }
}
