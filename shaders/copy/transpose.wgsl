// output[b, r, c] = input[b, r, c], where the input's rows lie side by side (the step of r is 1) and the output's columns
// do; elements of four bytes, copied by their bits. Through a tile in workgroup memory, so that adjacent invocations
// load adjacent elements and store adjacent elements. For GPUs.
//
// A workgroup takes a tile of TILE x TILE, an invocation TILE / LANES_Y of its elements: workgroups along x take columns,
// along y rows, along z batches.
struct Params {
  batches: u32, rows: u32, columns: u32,
  inputOffset: i32, inputBatch: i32, inputColumn: i32,
  outputOffset: i32, outputBatch: i32, outputRow: i32,
}
@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

const TILE = 32u;
const LANES_Y = 8u;
// A column more than the tile has, so that a column of it lies in different banks.
const PITCH = 33u;

var<workgroup> tile: array<u32, TILE * PITCH>;

@compute @workgroup_size(TILE, LANES_Y)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) lane: vec3<u32>,
) {
  let row = group.y * TILE;
  let column = group.x * TILE;
  for (var b = group.z; b < params.batches; b += groups.z) {
    for (var i = lane.y; i < TILE; i += LANES_Y) {
      let r = row + lane.x;
      let c = column + i;
      if (r < params.rows && c < params.columns) {
        tile[lane.x * PITCH + i] = input[params.inputOffset + i32(b) * params.inputBatch + i32(c) * params.inputColumn + i32(r)];
      }
    }
    workgroupBarrier();
    for (var i = lane.y; i < TILE; i += LANES_Y) {
      let r = row + i;
      let c = column + lane.x;
      if (r < params.rows && c < params.columns) {
        output[params.outputOffset + i32(b) * params.outputBatch + i32(r) * params.outputRow + i32(c)] = tile[i * PITCH + lane.x];
      }
    }
    // The next batch must not overwrite elements that other invocations have yet to store.
    workgroupBarrier();
  }
}
