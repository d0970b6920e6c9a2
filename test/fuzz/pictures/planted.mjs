/** A decoding process with a fault, which DAWNGRAD_PLANTED names, in every tenth picture. */
const answer = { width: 24, height: 17, sha256: 'unlike any', rss: 2 ** 20 };
const fault = process.env.DAWNGRAD_PLANTED;
let count = 0;

process.on('message', () => {
  if (count++ % 10 !== 9) process.send?.({ refusal: 'x: refused', rss: 2 ** 20 });
  else if (fault === 'crash') process.kill(process.pid, 'SIGSEGV');
  else if (fault === 'exit') process.exit(3);
  else if (fault === 'memory') process.send?.({ ...answer, rss: 2 ** 40 });
  else if (fault === 'unclear') process.send?.({ refusal: 'x', problem: 'unclear error: x', rss: 2 ** 20 });
  else if (fault === 'hang') for (;;);
});
