// inputGrad = outputGrad where output > 0, else 0, elementwise. As in torch, the gradient at 0 is 0.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> output: array<Value>;
@group(0) @binding(1) var<storage, read> outputGrad: array<Value>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<Value>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('/elementwise/parts/elementwise.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) {
      inputGrad[i] = select(outputGrad[i], Value(), output[i] <= Value());
    }
  }
}
