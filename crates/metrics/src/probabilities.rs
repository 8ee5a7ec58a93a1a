//! Converts logits to probabilities.

/// Computes the softmax in f64. Stable: subtracts the largest logit first. The result sums to 1
/// within rounding.
///
/// Logits must be finite.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    softmax_at(logits, 1.0)
}

/// Computes [`softmax`] of logits / `temperature`.
pub fn softmax_at(logits: &[f32], temperature: f64) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut values: Vec<f64> = logits
        .iter()
        .map(|&logit| ((f64::from(logit) - f64::from(max)) / temperature).exp())
        .collect();
    let sum: f64 = values.iter().sum();
    for value in &mut values {
        *value /= sum;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_shares_of_one_however_large_the_logits() {
        for logits in [
            &[0.0, 1.0, 2.0][..],
            &[1e38, -1e38],
            &[-3e38, -3e38, -3e38],
            &[5.0],
            &[88.0, 89.0, -700.0],
        ] {
            let probabilities = softmax(logits);
            assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{probabilities:?}");
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{probabilities:?}");
        }
        assert_eq!(softmax(&[7.0, 7.0]), [0.5, 0.5]);
        assert!(softmax(&[]).is_empty());
    }
}
