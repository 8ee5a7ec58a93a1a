//! Eigenvectors of a small symmetric matrix.

/// Sweeps end when the entries off the diagonal are this small beside those on it.
const TOLERANCE: f64 = 1e-12;
/// Most sweeps. A matrix takes about eight.
const MAX_SWEEPS: usize = 50;

/// Computes eigenvalues, largest first, with their unit eigenvectors.
///
/// Source: cyclic Jacobi, Golub and Van Loan, *Matrix Computations*, 4th edition, section 8.5.
///
/// # Shapes
///
/// `matrix`: `[n, n]`, symmetric.
pub(crate) fn eigenvectors(mut matrix: Vec<f64>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.len().isqrt();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|row| (0..n).map(|column| f64::from(row == column)).collect()).collect();
    for _ in 0..MAX_SWEEPS {
        let sum = |on: bool| -> f64 {
            let is_on = |place: &usize| place.is_multiple_of(n + 1);
            (0..n * n).filter(|place| is_on(place) == on).map(|place| matrix[place].powi(2)).sum()
        };
        if sum(false) <= TOLERANCE * TOLERANCE * sum(true) {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| matrix[b * (n + 1)].total_cmp(&matrix[a * (n + 1)]));
    let values = order.iter().map(|&place| matrix[place * (n + 1)]).collect();
    (values, order.into_iter().map(|place| std::mem::take(&mut vectors[place])).collect())
}

/// Turns two axes so that the entry between them becomes 0.
fn rotate(matrix: &mut [f64], vectors: &mut [Vec<f64>], n: usize, p: usize, q: usize) {
    let between = matrix[p * n + q];
    if between == 0.0 {
        return;
    }
    let ratio = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * between);
    let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
    for k in 0..n {
        let (a, b) = turn(matrix[k * n + p], matrix[k * n + q]);
        (matrix[k * n + p], matrix[k * n + q]) = (a, b);
    }
    for k in 0..n {
        let (a, b) = turn(matrix[p * n + k], matrix[q * n + k]);
        (matrix[p * n + k], matrix[q * n + k]) = (a, b);
        (vectors[p][k], vectors[q][k]) = turn(vectors[p][k], vectors[q][k]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_an_eigenvector_is_its_eigenvalue_times_the_vector() {
        let n = 7;
        let entry = |a: usize, b: usize| ((a * b + a + b) % 11) as f64 - 4.0;
        let matrix: Vec<f64> = (0..n * n).map(|i| entry(i / n, i % n)).collect();
        let (values, vectors) = eigenvectors(matrix.clone());
        assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
        for (value, vector) in values.iter().zip(&vectors) {
            for (row, x) in matrix.chunks_exact(n).zip(vector) {
                let moved: f64 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                assert!((moved - value * x).abs() < 1e-9, "{moved}, {value}, {x}");
            }
        }
    }

    #[test]
    fn no_axes_have_no_eigenvectors() {
        assert_eq!(eigenvectors(Vec::new()), (Vec::new(), Vec::new()));
    }
}
