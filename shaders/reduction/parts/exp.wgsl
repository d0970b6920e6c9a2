// exp, of which NaN is NaN. Drivers differ there.
fn expOf(value: Value) -> Value {
  return select(exp(value), value, (bitcast<Bits>(value) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}
