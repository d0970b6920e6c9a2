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
    // Runs of RUN terms, blocks of RUN runs, then the blocks: no chain of additions is long. The order is fixed.
    for (var block = slice.first + lane % ACROSS; block < slice.end; block += ACROSS * RUN * RUN) {
      let blockEnd = min(block + ACROSS * RUN * RUN, slice.end);
      var blockSum = Value();
      for (var run = block; run < blockEnd; run += ACROSS * RUN) {
        let runEnd = min(run + ACROSS * RUN, blockEnd);
        var runSum = Value();
        for (var t = run; t < runEnd; t += ACROSS) {
          let i = slice.start + t * params.inner;
          runSum += <%= k.term %>;
        }
        blockSum += runSum;
      }
      sum += blockSum;
    }
<% } %>
