// Values as integers of the same order, with NaN last; with `least` of the reverse order, with NaN last. A compiler may
// assume that no value is NaN or infinite, and then comparisons of floats are not enough.
const SIGN = 0x80000000u;
// The key of NaN. No other value has it, and none has 0.
const NAN_KEY = 0xffffffffu;

fn keyOf(value: Bits) -> Bits {
<% if (k.places) { %>
  // Zeros of both signs are equal.
  let bits = select(value, Bits(), value == Bits(SIGN));
<% } else { %>
  let bits = value;
<% } %>
  let key = select(bits | Bits(SIGN), ~bits, bits >= Bits(SIGN));
  return select(<%= k.least ? '~key' : 'key' %>, Bits(NAN_KEY), (bits & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

// The value of a key.
fn bitsOf(found: ResultBits) -> ResultBits {
  let key = <%= k.least ? '~found' : 'found' %>;
  let bits = select(~key, key ^ ResultBits(SIGN), key >= ResultBits(SIGN));
  return select(bits, ResultBits(0x7fc00000u), found == ResultBits(NAN_KEY));
}
