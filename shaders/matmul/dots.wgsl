// Products C[rows, columns] = A[rows, depth] · B[depth, columns] as dot products, of operands in any layout: for few
// rows or columns, and small matrices on CPUs. Workgroup (x, y, z): 8 elements of the result, which x and y count
// together; a slice of a batch.
//
// Each element has 8 invocations, as in linear/dots-forward.wgsl: each sums every eighth term in four accumulators, and a
// tree adds the eight sums.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

<%~ include('/matmul/parts/product.wgsl', { binding: 3 }) %>

const OUTPUTS = 8u;
const PARTS = 8u;
const WORKGROUP = OUTPUTS * PARTS;

var<workgroup> partials: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = lane % PARTS;
  let index = (group.y * groups.x + group.x) * OUTPUTS + lane / PARTS;
  let inside = index < params.rows * params.columns;
  let begin = beginOf(group.z);
  if (inside) {
    let x = begin.a + index / params.columns * params.aRow;
    let y = begin.b + index % params.columns * params.bColumn;
    let acrossA = PARTS * params.aDepth;
    let acrossB = PARTS * params.bDepth;
    var sums = vec4<f32>();
    var depth = begin.firstDepth + part;
    for (; depth + 3u * PARTS < begin.lastDepth; depth += 4u * PARTS) {
      let i = x + depth * params.aDepth;
      let j = y + depth * params.bDepth;
      sums += vec4<f32>(a[i], a[i + acrossA], a[i + 2u * acrossA], a[i + 3u * acrossA])
        * vec4<f32>(b[j], b[j + acrossB], b[j + 2u * acrossB], b[j + 3u * acrossB]);
    }
    for (; depth < begin.lastDepth; depth += PARTS) {
      sums.x += a[x + depth * params.aDepth] * b[y + depth * params.bDepth];
    }
    partials[lane] = (sums.x + sums.y) + (sums.z + sums.w);
  }
  for (var half = PARTS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (part < half) { partials[lane] += partials[lane + half]; }
  }
  if (inside && part == 0u) {
    output[begin.output + index] = partials[lane];
  }
}
