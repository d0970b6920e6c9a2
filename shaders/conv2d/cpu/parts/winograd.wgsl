// Constants: tile (2 or 4).
// Winograd's minimal filtering F(tile×tile, 3×3) in one dimension. A tile is transformed along its columns, then its
// rows.
//
// It computes a polynomial product by evaluating at points and interpolating.
<% if (k.tile === 2) { %>
// The points are 0, ±1 and ∞. The patches carry the halves, so a kernel rotated by 180° has the same values: 0 and ∞
// are swapped, ±1 stay in place.
<% } else { %>
// The points are 0, ±2/3, ±3/2 and ∞. The usual points 0, ±1, ±2 and ∞ save some multiplications but double the
// rounding error. With these points it stays within about twice that of a plain sum.
const A = 2.0 / 3.0;
const B = 3.0 / 2.0;
const AA = A * A;
const BB = B * B;
// Divisors of the patches at ±A and ±B: the product of the distances to the other points, times the factor of the
// kernels there, B and A. With A · B = 1, a kernel rotated by 180° has the same values at other points: 0 and ∞ are
// swapped, and so are ±A and ±B. So one transform of the weights serves forward and input gradient.
const AT_A = 1.0 / (2.0 * AA * (AA - BB) * B);
const AT_B = 1.0 / (2.0 * BB * (BB - AA) * A);
<% } %>
