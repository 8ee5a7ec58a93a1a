//! The directions in which features vary most.

use rayon::prelude::*;

use crate::jacobi::eigenvectors;

/// Axes beyond those asked for. They make the others settle in fewer iterations.
const SPARE: usize = 16;
/// Iterations end when the variance along the axes changes by less than this share of all.
const TOLERANCE: f64 = 1e-9;
/// Most iterations. Features of real photos take about 40.
const MAX_ITERATIONS: usize = 200;

/// Orthonormal directions and the variance along each, largest first.
pub(crate) struct Axes {
    /// `[rank, width]`.
    pub axes: Vec<f64>,
    /// `[rank]`.
    pub variances: Vec<f64>,
}

/// Computes the principal axes, by orthogonal iteration from a fixed start.
///
/// Returns fewer than `rank` axes if the covariance has fewer directions.
///
/// Source: Golub and Van Loan, *Matrix Computations*, 4th edition, section 8.2.4, with the
/// Rayleigh-Ritz step at the end.
///
/// # Shapes
///
/// `covariance`: `[width, width]`.
pub(crate) fn principal_axes(covariance: &[f64], width: usize, rank: usize) -> Axes {
    let mut axes: Vec<f64> = (0..(rank + SPARE).min(width) * width).map(start).collect();
    orthonormalise(&mut axes, width);
    let total: f64 = covariance.iter().step_by(width + 1).sum();
    let mut before = 0.0;
    for _ in 0..MAX_ITERATIONS {
        axes = product(&axes, covariance, width);
        // An axis grows by its variance once it has settled.
        let variance: f64 = orthonormalise(&mut axes, width).iter().sum();
        if (variance - before).abs() <= TOLERANCE * total {
            break;
        }
        before = variance;
    }
    let moved = product(&axes, covariance, width);
    let mut along = Vec::with_capacity((axes.len() / width).pow(2));
    for axis in axes.chunks_exact(width) {
        along.extend(moved.chunks_exact(width).map(|moved| dot(axis, moved)));
    }
    let (variances, vectors) = eigenvectors(along);
    let rank = rank.min(variances.len());
    let mut turned = vec![0.0; rank * width];
    for (turned, vector) in turned.chunks_exact_mut(width).zip(&vectors) {
        for (share, axis) in vector.iter().zip(axes.chunks_exact(width)) {
            turned.iter_mut().zip(axis).for_each(|(sum, x)| *sum += share * x);
        }
    }
    Axes { axes: turned, variances: variances[..rank].to_vec() }
}

/// The start: an integer hash of the place to a number in [-1, 1).
fn start(place: usize) -> f64 {
    // The finaliser of SplitMix64.
    let mut x = (place as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Multiplies every axis by a symmetric matrix.
fn product(axes: &[f64], matrix: &[f64], width: usize) -> Vec<f64> {
    let mut moved = vec![0.0; axes.len()];
    // One thread computes an axis, so their number does not change a bit.
    moved.par_chunks_exact_mut(width).zip(axes.par_chunks_exact(width)).for_each(
        |(moved, axis)| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (x, row) in axis.iter().zip(matrix.chunks_exact(width)) {
                        moved.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
                    }
                },
            );
        },
    );
    moved
}

/// Orthonormalises the axes in their order and drops those that depend on earlier ones. Returns the
/// lengths of the others before they were scaled.
fn orthonormalise(axes: &mut Vec<f64>, width: usize) -> Vec<f64> {
    let mut lengths: Vec<f64> = Vec::new();
    let mut kept = 0;
    for index in 0..axes.len() / width {
        let (done, rest) = axes.split_at_mut(index * width);
        let axis = &mut rest[..width];
        let before = length(axis);
        // Twice: one pass of Gram-Schmidt leaves rounding errors along the earlier axes.
        for _ in 0..2 {
            for earlier in done[..kept * width].chunks_exact(width) {
                let along = dot(axis, earlier);
                axis.iter_mut().zip(earlier).for_each(|(a, b)| *a -= along * b);
            }
        }
        let after = length(axis);
        if after <= 1e-10 * before.max(lengths.first().copied().unwrap_or(0.0)) {
            continue;
        }
        axis.iter_mut().for_each(|x| *x /= after);
        axes.copy_within(index * width..(index + 1) * width, kept * width);
        lengths.push(after);
        kept += 1;
    }
    axes.truncate(kept * width);
    lengths
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(axis: &[f64]) -> f64 {
    dot(axis, axis).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axes_of_a_diagonal_covariance_are_its_largest_entries() {
        let mut covariance = vec![0.0; 36];
        for (index, variance) in [1.0, 9.0, 0.1, 4.0, 0.0, 0.2].into_iter().enumerate() {
            covariance[index * 7] = variance;
        }
        let Axes { axes, variances } = principal_axes(&covariance, 6, 2);
        assert!((variances[0] - 9.0).abs() < 1e-9 && (variances[1] - 4.0).abs() < 1e-9);
        assert!((axes[1].abs() - 1.0).abs() < 1e-9 && (axes[6 + 3].abs() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_covariance_of_few_directions_gives_no_more_axes() {
        let mut covariance = vec![0.0; 16];
        covariance[5] = 3.0;
        let Axes { axes, variances } = principal_axes(&covariance, 4, 3);
        assert_eq!((axes.len(), variances.len()), (4, 1));
        assert!((axes[1].abs() - 1.0).abs() < 1e-12);
        assert!(principal_axes(&[0.0; 16], 4, 3).axes.is_empty());
    }
}
