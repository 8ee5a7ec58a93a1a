//! p values in words, and the level below which one counts.

/// Level below which a corrected p counts as evidence.
pub const LEVEL: f64 = 0.05;

/// Formats a p value with three significant digits at most, or as `< 0.001`.
pub fn format_p(p: f64) -> String {
    match p {
        p if p >= 0.9995 => "1".into(),
        p if p < 0.001 => "< 0.001".into(),
        p if p < 0.01 => format!("{p:.4}"),
        p => format!("{p:.3}"),
    }
}

/// Formats a p value as `p = 0.125` or `p < 0.001`.
pub fn p_equals(p: f64) -> String {
    match format_p(p) {
        small if small.starts_with('<') => format!("p {small}"),
        value => format!("p = {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p_value_keeps_the_digits_that_count() {
        for (p, text) in [
            (1.0, "p = 1"),
            (0.125, "p = 0.125"),
            (0.00195, "p = 0.0019"),
            (1e-9, "p < 0.001"),
            (0.9996, "p = 1"),
        ] {
            assert_eq!(p_equals(p), text);
        }
    }
}
