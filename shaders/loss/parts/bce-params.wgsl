<% for (const name of ['weight', 'posWeight']) for (let d = 0; d < k.terms; d++) { %>
  <%= name %>Divide<%= d %>: u32,
  <%= name %>Extent<%= d %>: u32,
  <%= name %>Stride<%= d %>: u32,
<% } %>
