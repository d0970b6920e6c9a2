<%
// Given: kernel, stride, padding, countPadding and divisor, or adaptive.
%>
// The windows of average pooling along each axis, and the windows over a pixel.

struct Window {
  // Pixels of the image.
  first: u32,
  end: u32,
  // Number of pixels that the mean counts.
  size: u32,
}

<% for (const [axis, extent, outExtent, part] of [['row', 'height', 'outHeight', 'y'], ['column', 'width', 'outWidth', 'x']]) { %>
fn <%= axis %>sOf(window: u32) -> Window {
<% if (k.adaptive) { %>
  let first = window * params.<%= extent %> / params.<%= outExtent %>;
  let end = ((window + 1u) * params.<%= extent %> + params.<%= outExtent %> - 1u) / params.<%= outExtent %>;
  return Window(first, end, end - first);
<% } else { %>
  // In padded pixels. As in torch, a window that begins in the image ends with the padding after it.
  let start = window * STRIDE.<%= part %>;
  let first = max(start, PADDING.<%= part %>) - PADDING.<%= part %>;
  let end = min(start + KERNEL.<%= part %>, params.<%= extent %> + PADDING.<%= part %>) - PADDING.<%= part %>;
<%   if (k.countPadding) { %>
  return Window(first, end, min(KERNEL.<%= part %>, params.<%= extent %> + 2u * PADDING.<%= part %> - start));
<%   } else { %>
  return Window(first, end, end - first);
<%   } %>
<% } %>
}

// The first window over a pixel, and the one after the last.
fn <%= axis %>sOver(pixel: u32) -> vec2<u32> {
<% if (k.adaptive) { %>
  let first = pixel * params.<%= outExtent %> / params.<%= extent %>;
  return vec2(first, ((pixel + 1u) * params.<%= outExtent %> + params.<%= extent %> - 1u) / params.<%= extent %>);
<% } else { %>
  let padded = pixel + PADDING.<%= part %>;
  let first = select(0u, (padded - KERNEL.<%= part %>) / STRIDE.<%= part %> + 1u, padded >= KERNEL.<%= part %>);
  return vec2(first, min(padded / STRIDE.<%= part %> + 1u, params.<%= outExtent %>));
<% } %>
}
<% } %>

fn divisorOf(rows: Window, columns: Window) -> f32 {
  return <%= k.divisor > 0 ? `${k.divisor}.0` : 'f32(rows.size) * f32(columns.size)' %>;
}
