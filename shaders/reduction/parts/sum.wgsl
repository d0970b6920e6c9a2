<%
// Given as text: term, whose sum is taken, of the Value at i.
%>
    // Runs of RUN terms, blocks of RUN runs, then the blocks: no chain of additions is long. The order is fixed.
    var sum = Value();
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
