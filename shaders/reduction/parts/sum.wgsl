<%
// Given as text: term, whose sum is taken, of the Value at i.
%>
    var sum = Value();
<% if (k.short) { %>
    for (var t = slice.first + lane % ACROSS; t < slice.end; t += ACROSS) {
      let i = slice.start + t * params.inner;
      sum += <%= k.term %>;
    }
<% } else { %>
    // Runs of RUN terms, parts of RUN runs, then the parts: no chain of additions is long. The order is fixed.
    for (var part = slice.first + lane % ACROSS; part < slice.end; part += ACROSS * RUN * RUN) {
      let partEnd = min(part + ACROSS * RUN * RUN, slice.end);
      var partSum = Value();
      for (var run = part; run < partEnd; run += ACROSS * RUN) {
        let runEnd = min(run + ACROSS * RUN, partEnd);
        var runSum = Value();
        for (var t = run; t < runEnd; t += ACROSS) {
          let i = slice.start + t * params.inner;
          runSum += <%= k.term %>;
        }
        partSum += runSum;
      }
      sum += partSum;
    }
<% } %>
