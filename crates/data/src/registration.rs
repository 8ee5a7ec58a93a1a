//! Registers one picture on another: finds the shift and the stretch of either axis at which they
//! agree best.
//!
//! Source: Baker and Matthews, *Lucas-Kanade 20 Years On*, 2004, section 3.2 (inverse compositional
//! algorithm). It runs from coarse to fine on locally normalised pictures, so that neither
//! brightness nor the strongest edges decide.

use std::cell::OnceCell;

use crate::structure::{SIDE, blur, dot};

/// Largest shift and stretch, in coordinates from -1 to 1. A picture from which more than this
/// share of a side is trimmed is another one.
const REACH: f32 = 0.12;
/// Least correlation after the steps of a level. Different pictures have less after the coarse
/// ones.
const WORTH_GOING_ON: f32 = 0.5;
const STEPS: usize = 6;

/// Maps `x` to `x * (1 + stretch) + shift` on either axis; both run from -1 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Warp {
    stretch: [f32; 2],
    shift: [f32; 2],
}

/// A thumbnail that others are registered on. Each level is computed once; the fine one only when
/// it is needed.
pub(crate) struct Ground {
    coarse: Slopes,
    fine: OnceCell<Slopes>,
    thumbnail: Vec<f32>,
}

impl Ground {
    /// Prepares [`SIDE`] by [`SIDE`] grey values.
    #[inline(always)]
    pub(crate) fn new(thumbnail: &[f32]) -> Self {
        Self {
            coarse: Slopes::new(Level::coarse(thumbnail)),
            fine: OnceCell::new(),
            thumbnail: thumbnail.to_vec(),
        }
    }

    /// Returns the warp that registers another thumbnail on this one. None if they do not agree
    /// even coarsely, or only beyond [`REACH`].
    #[inline(always)]
    pub(crate) fn register(&self, other: &[f32]) -> Option<Warp> {
        let warp = self.coarse.descend(&Level::coarse(other), Warp::default())?;
        let fine = self.fine.get_or_init(|| Slopes::new(Level::fine(&self.thumbnail)));
        let warp = fine.descend(&Level::fine(other), warp)?;
        (warp.reach() <= REACH).then_some(warp)
    }
}

/// A picture, locally normalised.
struct Level {
    side: usize,
    picture: Vec<f32>,
}

impl Level {
    #[inline(always)]
    fn coarse(thumbnail: &[f32]) -> Self {
        let half = SIDE / 2;
        let coarse: Vec<f32> = (0..half * half)
            .map(|at| {
                let at = 2 * (at / half) * SIDE + 2 * (at % half);
                let sum = thumbnail[at] + thumbnail[at + 1] + thumbnail[at + SIDE];
                (sum + thumbnail[at + SIDE + 1]) / 4.0
            })
            .collect();
        let coarse = blur(&blur(&coarse, half), half);
        Level { side: half, picture: normalised(&coarse, half, 4) }
    }

    #[inline(always)]
    fn fine(thumbnail: &[f32]) -> Self {
        Level { side: SIDE, picture: normalised(&blur(thumbnail, SIDE), SIDE, 8) }
    }
}

impl Warp {
    fn reach(&self) -> f32 {
        self.stretch.iter().chain(&self.shift).fold(0.0, |most, value| most.max(value.abs()))
    }

    /// Whether two warps differ by less than a hundredth of a pixel.
    fn is_near(&self, other: &Self) -> bool {
        let apart = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
        apart(self.stretch, other.stretch).max(apart(self.shift, other.shift)) < 3e-4
    }

    /// Applies the warp to a picture. Also returns for each column and row whether it lies inside
    /// the picture.
    #[inline(always)]
    pub(crate) fn apply(&self, picture: &[f32], side: usize) -> (Vec<f32>, [Vec<bool>; 2]) {
        let axes = [0, 1].map(|axis| self.places(axis, side));
        let mut across = vec![0.0; side * side];
        for (row, out) in picture.chunks_exact(side).zip(across.chunks_exact_mut(side)) {
            for (out, &(at, part)) in out.iter_mut().zip(&axes[0].0) {
                *out = row[at] + part * (row[at + 1] - row[at]);
            }
        }
        let mut both = vec![0.0; side * side];
        for (out, &(at, part)) in both.chunks_exact_mut(side).zip(&axes[1].0) {
            let (upper, lower) = across[at * side..(at + 2) * side].split_at(side);
            for ((out, upper), lower) in out.iter_mut().zip(upper).zip(lower) {
                *out = upper + part * (lower - upper);
            }
        }
        let [(_, columns), (_, rows)] = axes;
        (both, [columns, rows])
    }

    /// Returns between which pixels each output pixel lies, and whether it lies inside the picture.
    fn places(&self, axis: usize, side: usize) -> (Vec<(usize, f32)>, Vec<bool>) {
        let half = side as f32 / 2.0;
        let last = (side - 1) as f32;
        (0..side)
            .map(|at| {
                let place = (at as f32 + 0.5) / half - 1.0;
                let place =
                    (place * (1.0 + self.stretch[axis]) + self.shift[axis] + 1.0) * half - 0.5;
                let within = place.clamp(0.0, last - 1e-3);
                ((within as usize, within.fract()), (-0.01..=last + 0.01).contains(&place))
            })
            .unzip()
    }
}

/// A picture, its gradient along the four parameters of a warp, and the inverse of its Hessian. All
/// depend on this picture only.
struct Slopes {
    level: Level,
    along: Vec<[f32; 4]>,
    inverse: [[f32; 4]; 4],
}

impl Slopes {
    #[inline(always)]
    fn new(level: Level) -> Self {
        let (side, picture) = (level.side, &level.picture);
        let half = side as f32 / 2.0;
        let mut along = vec![[0.0; 4]; side * side];
        let mut products = [[0.0f32; 4]; 4];
        for y in 1..side - 1 {
            for x in 1..side - 1 {
                let at = y * side + x;
                let dx = (picture[at + 1] - picture[at - 1]) / 2.0 * half;
                let dy = (picture[at + side] - picture[at - side]) / 2.0 * half;
                let [u, v] = [x, y].map(|at| (at as f32 + 0.5) / half - 1.0);
                along[at] = [dx * u, dy * v, dx, dy];
                for (row, a) in products.iter_mut().zip(along[at]) {
                    row.iter_mut().zip(along[at]).for_each(|(sum, b)| *sum += a * b);
                }
            }
        }
        // Damp the Hessian: a picture of one edge does not determine all parameters, and the
        // undetermined ones then stay unchanged.
        (0..4).for_each(|i| products[i][i] += 0.1 * (side * side) as f32 / 4.0);
        Self { level, along, inverse: inverse(products) }
    }

    /// Improves a warp. None if the pictures correlate too little after the last step, or a step
    /// goes too far.
    #[inline(always)]
    fn descend(&self, other: &Level, mut warp: Warp) -> Option<Warp> {
        for _ in 0..STEPS {
            let before = warp;
            warp = self.step(other, warp)?;
            if warp.is_near(&before) {
                break;
            }
        }
        let laid = warp.apply(&other.picture, other.side).0;
        (correlation(&self.level.picture, &laid) >= WORTH_GOING_ON).then_some(warp)
    }

    /// Takes one Gauss-Newton step.
    #[inline(always)]
    fn step(&self, other: &Level, warp: Warp) -> Option<Warp> {
        let (warped, [columns, rows]) = warp.apply(&other.picture, other.side);
        let mut gradient = [0.0f32; 4];
        for (y, _) in rows.iter().enumerate().filter(|(_, inside)| **inside) {
            for (x, _) in columns.iter().enumerate().filter(|(_, inside)| **inside) {
                let at = y * other.side + x;
                let error = warped[at] - self.level.picture[at];
                gradient
                    .iter_mut()
                    .zip(self.along[at])
                    .for_each(|(sum, slope)| *sum += slope * error);
            }
        }
        let delta: [f32; 4] =
            std::array::from_fn(|i| (0..4).map(|j| self.inverse[i][j] * gradient[j]).sum());
        let mut next = Warp::default();
        for axis in [0, 1] {
            next.stretch[axis] = (1.0 + warp.stretch[axis]) / (1.0 + delta[axis]).max(0.5) - 1.0;
            next.shift[axis] = warp.shift[axis] - (1.0 + next.stretch[axis]) * delta[2 + axis];
        }
        // Allow twice the limit on the way.
        (next.reach() <= 2.0 * REACH).then_some(next)
    }
}

/// Inverts by Gauss-Jordan elimination. The matrix is positive definite, so no pivot is needed.
fn inverse(mut matrix: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let mut inverse: [[f32; 4]; 4] =
        std::array::from_fn(|i| std::array::from_fn(|j| f32::from(u8::from(i == j))));
    for at in 0..4 {
        let pivot = matrix[at][at];
        for j in 0..4 {
            matrix[at][j] /= pivot;
            inverse[at][j] /= pivot;
        }
        for row in (0..4).filter(|&row| row != at) {
            let factor = matrix[row][at];
            for j in 0..4 {
                matrix[row][j] -= factor * matrix[at][j];
                inverse[row][j] -= factor * inverse[at][j];
            }
        }
    }
    inverse
}

/// Normalises to mean 0 and variance 1 around every pixel, within about `radius`. Flat places stay
/// near 0.
#[inline(always)]
fn normalised(picture: &[f32], side: usize, radius: usize) -> Vec<f32> {
    /// Grey levels below which contrast is not raised.
    const FLOOR: f32 = 2.0;
    let mean = box_mean(picture, side, radius);
    let centred: Vec<f32> = picture.iter().zip(&mean).map(|(value, mean)| value - mean).collect();
    let squares: Vec<f32> = centred.iter().map(|value| value * value).collect();
    let variance = box_mean(&squares, side, radius);
    centred
        .iter()
        .zip(variance)
        .map(|(value, variance)| value / (variance + FLOOR * FLOOR).sqrt())
        .collect()
}

/// Averages over a square around every pixel, within the picture.
#[inline(always)]
fn box_mean(picture: &[f32], side: usize, radius: usize) -> Vec<f32> {
    row_mean(&row_mean(picture, side, radius), side, radius)
}

/// Averages along the row around every pixel. Transposes: rows come out as columns.
#[inline(always)]
fn row_mean(picture: &[f32], side: usize, radius: usize) -> Vec<f32> {
    let mut turned = vec![0.0; side * side];
    for (y, row) in picture.chunks_exact(side).enumerate() {
        let (mut sum, mut count) = (row[..radius].iter().sum::<f32>(), radius);
        for x in 0..side {
            if let Some(value) = row.get(x + radius) {
                (sum, count) = (sum + value, count + 1);
            }
            if x > radius {
                (sum, count) = (sum - row[x - radius - 1], count - 1);
            }
            turned[x * side + y] = sum / count as f32;
        }
    }
    turned
}

/// Correlates two pictures whose mean is near 0.
#[inline(always)]
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}
