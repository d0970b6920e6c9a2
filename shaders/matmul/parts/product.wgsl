<%
// Given: binding (of the uniform block).
%>
// Where a workgroup of a product begins. Its z counts batches, and in them the slices that the depth is cut into.
struct Params {
  rows: u32,
  columns: u32,
  depths: u32,
  depthsPerSlice: u32,
  slices: u32,
  // The batches that z counts from the first on: outer ones, of `innerBatches` each.
  firstBatch: u32,
  innerBatches: u32,
  // Of each tensor: where it begins, and how far apart outer batches, inner ones, rows, depths and columns are. Rows of
  // the output are `columns` apart.
  aStart: u32,
  aOuter: u32,
  aInner: u32,
  aRow: u32,
  aDepth: u32,
  bStart: u32,
  bOuter: u32,
  bInner: u32,
  bDepth: u32,
  bColumn: u32,
  outStart: u32,
  outOuter: u32,
  outInner: u32,
  outSlice: u32,
}
@group(0) @binding(<%= k.binding %>) var<uniform> params: Params;

struct Begin {
  slice: u32,
  a: u32,
  b: u32,
  output: u32,
  firstDepth: u32,
  lastDepth: u32,
}

// The depths of a workgroup are from firstDepth to before lastDepth.
fn beginOf(z: u32) -> Begin {
  let slice = z % params.slices;
  let batch = params.firstBatch + z / params.slices;
  let outer = batch / params.innerBatches;
  let inner = batch % params.innerBatches;
  let firstDepth = slice * params.depthsPerSlice;
  return Begin(
    slice,
    params.aStart + outer * params.aOuter + inner * params.aInner,
    params.bStart + outer * params.bOuter + inner * params.bInner,
    params.outStart + outer * params.outOuter + inner * params.outInner + slice * params.outSlice,
    firstDepth,
    min(firstDepth + params.depthsPerSlice, params.depths),
  );
}
