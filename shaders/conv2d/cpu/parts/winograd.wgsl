// Constants: tile (2 or 4).
// Winograd's minimal filtering F(tile×tile, 3×3) in one dimension; a tile is transformed along its columns and then its rows.
//
// A polynomial product is taken by evaluating at points and interpolating.
<% if (k.tile === 2) { %>
// The points are 0, ±1 and ∞. Halves stand with the patches, so that a kernel turned round has the same numbers: 0 and ∞
// change places, ±1 stay where they are.
<% } else { %>
// The points are 0, ±2/3, ±3/2 and ∞. The usual ones 0, ±1, ±2 and ∞ save some multiplications but make twice the rounding
// error; these stay within about twice that of a plain sum.
const A = 2.0 / 3.0;
const B = 3.0 / 2.0;
const AA = A * A;
const BB = B * B;
// What patches are divided by at ±A and ±B: the product of the distances to the other points, and what the kernels there are
// multiplied by, B and A. With A · B = 1 a kernel turned round then has the same numbers at other points: 0 and ∞ change
// places, ±A and ±B do. So one transform of the weights serves forward and input gradient.
const AT_A = 1.0 / (2.0 * AA * (AA - BB) * B);
const AT_B = 1.0 / (2.0 * BB * (BB - AA) * A);
<% } %>
