// Given: line (texels per line of the texture).
// Returns texel i of a texture that stores them in order, line by line.
fn texelAt(tensor: texture_storage_2d<rgba32float, read>, i: u32) -> vec4<f32> {
  return textureLoad(tensor, vec2(i % <%= k.line %>u, i / <%= k.line %>u));
}
