// Given: line (texels of a line of the texture).
// Texel i of a texture that holds them one after the other, line by line.
fn texelAt(tensor: texture_storage_2d<rgba32float, read>, i: u32) -> vec4<f32> {
  return textureLoad(tensor, vec2(i % <%= k.line %>u, i / <%= k.line %>u));
}
