// Maximum over windows: input [planes, height, width] -> output [planes, outHeight, outWidth], and for backward the place of
// each maximum in its plane, y * width + x. Padding counts as minus infinity: it is passed over. The first maximum in scan
// order wins; a NaN wins over everything, the last one over earlier ones, as in torch.
//
// A workgroup takes a tile of 8 x 32 outputs of one plane, an invocation ITEMS outputs of one column: no divisions.
struct Params { planes: u32, height: u32, width: u32, outHeight: u32, outWidth: u32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
<% if (k.argmax) { %>
@group(0) @binding(2) var<storage, read_write> argmax: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;
<% } else { %>
@group(0) @binding(2) var<uniform> params: Params;
<% } %>

const KERNEL = vec2<u32>(<%= k.kernelWidth %>u, <%= k.kernelHeight %>u);
const STRIDE = vec2<u32>(<%= k.strideWidth %>u, <%= k.strideHeight %>u);
const PADDING = vec2<u32>(<%= k.paddingWidth %>u, <%= k.paddingHeight %>u);
const TILE = 8u;
const ITEMS = 4u;
const WORKGROUP = TILE * TILE;

// Comparing a NaN with itself may be optimised away; its bits may not.
fn isNan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let x = group.x * TILE + lane % TILE;
  let firstY = group.y * TILE * ITEMS + lane / TILE;
  if (x >= params.outWidth) { return; }
  // The window clipped to the image; the padding is at most half a window, so something is left of it.
  let left = max(x * STRIDE.x, PADDING.x) - PADDING.x;
  let right = min(x * STRIDE.x + KERNEL.x - PADDING.x, params.width);
  for (var p = group.z; p < params.planes; p += groups.z) {
    let plane = p * params.height * params.width;
    for (var j = 0u; j < ITEMS; j++) {
      let y = firstY + j * TILE;
      if (y < params.outHeight) {
        let top = max(y * STRIDE.y, PADDING.y) - PADDING.y;
        let bottom = min(y * STRIDE.y + KERNEL.y - PADDING.y, params.height);
        var best = input[plane + top * params.width + left];
        var place = top * params.width + left;
        for (var row = top; row < bottom; row++) {
          for (var column = left; column < right; column++) {
            let here = row * params.width + column;
            let value = input[plane + here];
            if (value > best || isNan(value)) {
              best = value;
              place = here;
            }
          }
        }
        let o = (p * params.outHeight + y) * params.outWidth + x;
        output[o] = best;
<% if (k.argmax) { %>
        argmax[o] = place;
<% } %>
      }
    }
  }
}
