//! Finds where a small grey picture has structure that identifies it.
//!
//! A flat window says nothing, and a straight edge only its place across the edge. A window counts
//! if its gradients have two directions: the smaller eigenvalue of their tensor (Shi and Tomasi,
//! *Good Features to Track*, 1994) is above [`NOISE`].

/// Side of the pictures, in pixels.
pub(crate) const SIDE: usize = 64;
/// Side of a window, in pixels.
pub(crate) const WINDOW: usize = 8;
const STEP: usize = 4;
/// Windows along a side; they overlap by half.
pub(crate) const ACROSS: usize = (SIDE - WINDOW) / STEP + 1;
/// Mean square of the gradient, in grey levels per pixel, squared. Noisy boards and recompressed
/// digits have almost no window with detail above it.
const NOISE: f32 = 2.0;

/// Returns the top left corner of every window, row by row.
pub(crate) fn windows() -> impl Iterator<Item = (usize, usize)> {
    (0..ACROSS * ACROSS).map(|at| (at % ACROSS * STEP, at / ACROSS * STEP))
}

/// Returns for each window whether it has structure in two directions.
#[inline(always)]
pub(crate) fn has_corner(picture: &[f32]) -> Vec<bool> {
    // A window is two steps wide, so sum the tensors of each step once.
    const STEPS: usize = SIDE / STEP;
    let mut sums = [[[0.0f32; 3]; STEPS]; STEPS];
    for y in 1..SIDE - 1 {
        for x in 1..SIDE - 1 {
            let at = y * SIDE + x;
            let dx = (picture[at + 1] - picture[at - 1]) / 2.0;
            let dy = (picture[at + SIDE] - picture[at - SIDE]) / 2.0;
            let sum = &mut sums[y / STEP][x / STEP];
            [sum[0], sum[1], sum[2]] = [sum[0] + dx * dx, sum[1] + dx * dy, sum[2] + dy * dy];
        }
    }
    let smaller_eigenvalue = |(left, top): (usize, usize)| {
        let (x, y) = (left / STEP, top / STEP);
        let [xx, xy, yy] = std::array::from_fn(|i| {
            let sum = sums[y][x][i] + sums[y][x + 1][i] + sums[y + 1][x][i] + sums[y + 1][x + 1][i];
            sum / (WINDOW * WINDOW) as f32
        });
        (xx + yy) / 2.0 - ((xx - yy) / 2.0).hypot(xy)
    };
    windows().map(|window| smaller_eigenvalue(window) > NOISE).collect()
}

/// Counts the windows with structure in their finest detail: what remains after a blur of one pixel
/// is subtracted. An enlarged picture of 8 by 8 pixels has edges everywhere and no detail.
#[inline(always)]
pub(crate) fn detail(picture: &[f32]) -> usize {
    let blurred = blur(picture, SIDE);
    let fine: Vec<f32> =
        picture.iter().zip(&blurred).map(|(value, blurred)| value - blurred).collect();
    has_corner(&fine).into_iter().filter(|&has| has).count()
}

/// Sums the products in eight lanes. In a single sum, each addition would wait for the one before.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        (0..8).for_each(|lane| lanes[lane] += a[lane] * b[lane]);
    }
    lanes.iter().sum::<f32>() + rest
}

/// Blurs by one pixel with the binomial 1 4 6 4 1 along both axes, edges repeated.
#[inline(always)]
pub(crate) fn blur(picture: &[f32], side: usize) -> Vec<f32> {
    let sum = |[a, b, c, d, e]: [f32; 5]| (a + e + 4.0 * (b + d) + 6.0 * c) / 16.0;
    let mut across = vec![0.0; side * side];
    let mut padded = vec![0.0; side + 4];
    for (row, out) in picture.chunks_exact(side).zip(across.chunks_exact_mut(side)) {
        padded[..2].fill(row[0]);
        padded[2..side + 2].copy_from_slice(row);
        padded[side + 2..].fill(row[side - 1]);
        for (out, at) in out.iter_mut().zip(padded.windows(5)) {
            *out = sum([at[0], at[1], at[2], at[3], at[4]]);
        }
    }
    let mut both = vec![0.0; side * side];
    for (y, out) in both.chunks_exact_mut(side).enumerate() {
        let rows: [&[f32]; 5] = std::array::from_fn(|tap| {
            let row = (y + tap).saturating_sub(2).min(side - 1) * side;
            &across[row..row + side]
        });
        for (x, out) in out.iter_mut().enumerate() {
            *out = sum(rows.map(|row| row[x]));
        }
    }
    both
}
