// Storage type of tensors: f16 with the constant half, else f32. All arithmetic is in f32. Include this file first.
<% if (k.half) { %>
enable f16;
<% } %>
alias Stored = <%= k.half ? 'f16' : 'f32' %>;
