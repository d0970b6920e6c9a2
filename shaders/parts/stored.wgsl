// What tensors are stored in: f16 with the constant half, else f32. All arithmetic is in f32. To be included first of all.
<% if (k.half) { %>
enable f16;
<% } %>
alias Stored = <%= k.half ? 'f16' : 'f32' %>;
