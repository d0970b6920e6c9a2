// One step of stochastic gradient descent with momentum, elementwise and in place, in the order of torch.optim.SGD:
//   d = grad + weightDecay * param
//   buffer = d in the first step, momentum * buffer + keep * d later (keep = 1 - dampening)
//   d = d + momentum * buffer with Nesterov's momentum, buffer without
//   param = param - lr * d
struct Params { count: u32, lr: f32, momentum: f32, keep: f32, weightDecay: f32 }
@group(0) @binding(0) var<storage, read_write> param: array<Value>;
@group(0) @binding(1) var<storage, read> grad: array<Value>;
@group(0) @binding(2) var<storage, read_write> buffer: array<Value>;
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
      let value = param[i];
      let d = grad[i] + params.weightDecay * value;
<% if (k.first) { %>
      // Does not read the buffer: before the first step its content is undefined.
      let moved = d;
<% } else { %>
      let moved = params.momentum * buffer[i] + params.keep * d;
<% } %>
      buffer[i] = moved;
<% if (k.nesterov) { %>
      param[i] = value - params.lr * (d + params.momentum * moved);
<% } else { %>
      param[i] = value - params.lr * moved;
<% } %>
    }
  }
}
